"""Masking: no form of a secret stays, everything else does, and hostile text costs no more than any other."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from cozydiag.config import Config, CouchDB, Secret, load, secrets
from cozydiag.masking import HIDDEN, Masks, masked
from cozydiag.model import Cause, Evidence, Finding, Report, Result, Status
from cozydiag.stack import Stack
from cozydiag.text import Percent, plural, t, verbatim

ROOT = Path(__file__).parents[2]
SECRET = 'K7/q+%"\\ é-€😀z'
LETTERS = "abcXYZ019/+%\"\\ é€😀'&=:@#?.-_~$^(){}[]|<>,;!"


def encoded(secret: str) -> dict[str, str]:
    """``secret`` in all the forms that must not be seen."""
    raw = secret.encode()
    found = {
        "plain": secret,
        "quoted": quote(secret),
        "quoted whole": quote(secret, safe=""),
        "quoted, small letters": quote(secret, safe="").replace("%2F", "%2f").replace("%C3%A9", "%c3%a9"),
        "form": quote_plus(secret),
        "every letter quoted": "".join(f"%{byte:02X}" for byte in raw),
        "JSON": json.dumps(secret)[1:-1],
        "JSON, great letters": json.dumps(secret)[1:-1].replace("\\u00e9", "\\u00E9").replace("\\u20ac", "\\u20AC"),
        "JSON, slashes": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "JSON, Unicode": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret))[3:-3],
        "hex": raw.hex(),
        "great hex": raw.hex().upper(),
        "Base64": base64.b64encode(raw).decode(),
        "Base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "Base64 without padding": base64.b64encode(raw).decode().rstrip("="),
        "Basic": base64.b64encode(b"user:" + raw).decode(),
        "Basic, longer user": base64.b64encode(b"user1:" + raw).decode(),
        "Basic, longest user": base64.b64encode(b"user12:" + raw).decode(),
    }
    for before in range(4):
        for after in range(4):
            inside = b"\xff" * before + raw + b"\xfe" * after
            found[f"Base64 inside {before} {after}"] = base64.b64encode(inside).decode()
            found[f"Base64 for URLs inside {before} {after}"] = base64.urlsafe_b64encode(inside).decode()
    return found


def cores(raw: bytes) -> list[str]:
    """What every Base64 text around these bytes has in it, wherever they begin."""
    found = []
    for before in range(3):
        bits = "".join(f"{byte:08b}" for byte in raw)[(-before * 8) % 6 :]
        letters = [int(bits[at : at + 6], 2) for at in range(0, len(bits) - 5, 6)]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        found.append("".join(alphabet[letter] for letter in letters))
    return found


@pytest.mark.parametrize("form", encoded(SECRET))
def test_no_form_stays(form: str) -> None:
    text = f"log: [{encoded(SECRET)[form]}] end"
    masks = Masks([SECRET])
    shown = masks.mask(text)
    assert masks.finds(text)
    assert not masks.finds(shown)
    assert shown.startswith("log: [")
    assert shown.endswith("] end")
    assert HIDDEN in shown
    left = shown.replace("-", "+").replace("_", "/")
    assert not any(core in left for core in cores(SECRET.encode()))


def test_what_is_masked_alone_leaves_nothing() -> None:
    masks = Masks([SECRET])
    alone = [text for form, text in encoded(SECRET).items() if "inside" not in form and "Basic" not in form]
    assert {masks.mask(text) for text in alone} == {HIDDEN}


def test_a_whole_login_is_masked_as_one() -> None:
    masks = Masks([SECRET, f"admin:{SECRET}"])
    assert masks.mask("got " + base64.b64encode(f"admin:{SECRET}".encode()).decode()) == f"got {HIDDEN}"


def random_secrets(count: int) -> list[str]:
    dice = random.Random(20261121)  # noqa: S311  the same secrets in every run
    return ["".join(dice.choices(LETTERS, k=dice.randint(4, 40))).strip() or "even" for _ in range(count)]


def test_random_secrets_in_all_forms() -> None:
    for secret in filter(lambda secret: len(secret) > 3, random_secrets(150)):
        masks = Masks([secret, f"user:{secret}"])
        for form, text in encoded(secret).items():
            shown = masks.mask(f"a {text} b")
            assert not masks.finds(shown), (secret, form)
            assert masks.mask(shown) == shown, (secret, form)
            assert text not in shown, (secret, form)
            assert secret not in shown, (secret, form)


def test_random_texts_are_masked_the_same_twice() -> None:
    dice = random.Random(7)  # noqa: S311
    pieces = ["Authorization", ": ", "Basic ", "cookie", "=", "://", "@", "***", '"', "'", "\\", " ", "%3A%2F%2F",
              "%40", "AuthSession=", "ab", "s3cret", "czNjcmV0", ",", "\n", "a b c", "%73"]  # fmt: skip
    masks = Masks(["s3cret", "a b c", "ab", "x***y"], ["user"])
    for _ in range(3000):
        text = "".join(dice.choices(pieces, k=12))
        assert masks.mask(masks.mask(text)) == masks.mask(text), text


def test_the_longest_goes_first() -> None:
    assert Masks(["secret", "secret-longer"]).mask("a secret-longer b secret c") == f"a {HIDDEN} b {HIDDEN} c"


def test_a_secret_made_by_masking_another_goes_too() -> None:
    assert Masks(["inner", "ou***ter"]).mask("ouinnerter") == HIDDEN


@pytest.mark.parametrize("secret", ["", "*", "***", "********"])
def test_what_is_no_secret(secret: str) -> None:
    masks = Masks([secret], [secret])
    assert masks.mask("as *** it **** is *") == "as *** it **** is *"


def test_short_secrets_are_whole_words() -> None:
    masks = Masks(["abc", "$1"])
    assert masks.mask("abc: cabcage abc-d; $1 x$1") == f"{HIDDEN}: cabcage {HIDDEN}-d; {HIDDEN} x$1"
    assert masks.finds("say abc")
    assert not masks.finds("sayabc")


def test_names_stay_in_paths_and_longer_names() -> None:
    masks = Masks([], ["cozy"])
    kept = "/etc/cozy/x cozy-home cozy.conf org.cozy mycozy cozy_1"
    assert masks.mask(kept) == kept
    assert masks.mask("user cozy, 'cozy' cozy: cozy.") == f"user {HIDDEN}, '{HIDDEN}' {HIDDEN}: {HIDDEN}."
    assert masks.mask("636f7a79") == HIDDEN


def test_text_without_secrets_stays_the_same_object() -> None:
    text = "GET http://127.0.0.1:5984/ HTTP/1.1 200, 12 % used, mail me@example.org"
    assert Masks([SECRET], ["admin"]).mask(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic YTpi", "Authorization: ***"),
        ("authorization: Bearer a b c", "authorization: ***"),
        ("Proxy-Authorization: Digest username=\"u\", response=\"f00\"", "Proxy-Authorization: ***"),
        ('{"Authorization":"Basic YTpi","n":1}', '{"Authorization":"***","n":1}'),
        ('{"authorization": "Digest \\"u\\" f00", "n": 1}', '{"authorization": "***", "n": 1}'),
        (r'{\"authorization\":\"Basic YTpi\",\"n\":1}', r'{\"authorization\":\"***\",\"n\":1}'),
        ("{ authorization: 'Basic YTpi', host: 'x' }", "{ authorization: '***', host: 'x' }"),
        ("[ 'Authorization', 'Basic YTpi' ]", "[ 'Authorization', '***' ]"),
        ("HTTP_AUTHORIZATION=Basic YTpi", "HTTP_AUTHORIZATION=***"),
        ("h=Authorization%3A%20Basic%20YTpi", "h=Authorization%3A%20***"),
        ("Cookie: a=b; AuthSession=YTpi", "Cookie: ***"),
        ("Set-Cookie: AuthSession=YTpi; Path=/\nnext", "Set-Cookie: ***\nnext"),
        ("GET /?AuthSession=YTpi&x=1", "GET /?AuthSession=***&x=1"),
        ('{"AuthSession":"YTpi"}', '{"AuthSession":"***"}'),
        ("http://admin:pw@127.0.0.1:5984/_up", "http://***@127.0.0.1:5984/_up"),
        ("http://admin:p@w@h/", "http://***@h/"),
        ("https://token@h/x, http://h/", "https://***@h/x, http://h/"),
        (r"http:\/\/u:p@h\/x", r"http:\/\/***@h\/x"),
        ("u=http%3A%2F%2Fu%3Ap%40h%2Fx", "u=http%3A%2F%2F***%40h%2Fx"),
    ],
)  # fmt: skip
def test_credentials_by_their_place(text: str, shown: str) -> None:
    assert Masks().mask(text) == shown
    assert Masks().mask(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "unauthorized: Name or password is incorrect.",
        "Authorization failed for somebody",
        "http://127.0.0.1/a@b mail a@b.c",
        "cookies are fine; a cookie, too",
        "Authorization:",
        "no AuthSession here",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert Masks().mask(text) == text


HOSTILE = (
    "authorization", 'authorization:"', "authorization:'\\\"", "authorization\\", "authorization: ", "cookie,", "://",
    "://a:", "%3a%2f%2f", "%3a%2f%2f%4", "@", "authsession=\\", "%2", "%7", "K7/", "SzcvcS", "\\u00", '"', "\\", " ",
)  # fmt: skip


def test_hostile_lines_are_linear() -> None:
    """A process may use so much of the processor that linear work ends and quadratic work cannot."""
    code = """
import resource, sys
from cozydiag.masking import Masks
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
masks = Masks([sys.argv[1]])
for part in eval(sys.argv[2]):
    for before in ("", "authorization:", "http://", "%3a%2f%2f", "cookie='"):
        for after in ("", "@", "***", "%40", '"'):
            masks.mask(before + part * (200_000 // len(part)) + after)
"""
    done = subprocess.run([sys.executable, "-c", code, SECRET, repr(HOSTILE)], cwd=ROOT, check=False)
    assert done.returncode == 0


# --- reports


def report(words: str) -> Report:
    evidence = (Evidence(f"log {words}", f"line {words}"),)
    finding = Finding(
        Status.FAIL, "couchdb.x", t("it says {words}", words=verbatim(words)), role="couchdb",
        advice=plural("{n} of {who}", "{n} of {who}", n=2, who=words), commands=(f"do {words}",), proof=evidence[0],
        by_hand=f"curl {words}", unlock=f"sudo {words}", service=f"supervisord:{words}",
    )  # fmt: skip
    result = Result("couchdb.x", words, t("A title"), Status.FAIL, (finding,), evidence)
    cause = Cause(
        "couchdb.x", "couchdb", words, f"couchdb.x:{words}", Status.FAIL, finding.text, (f"a:{words}",), finding.advice,
        finding.commands, evidence, "certain", None, finding.by_hand, finding.service,
    )  # fmt: skip
    return Report(Status.FAIL, (cause,), (result,), (("couchdb", "broken"),), "host", 1.0, 2.0, privileged=True)


def test_a_report_is_masked_to_its_last_string() -> None:
    names = {f"supervisord:{SECRET}", f"couchdb.x:{SECRET}", f"a:{SECRET}", SECRET}  # those are identities, not said
    assert masked(report(SECRET), Masks([SECRET])) == with_identities(report(HIDDEN), names)


def with_identities(shown: Report, names: set[str]) -> Report:
    """``shown`` with the identities of a report about `SECRET`."""
    service, instance, explained, subject = (
        next(name for name in names if name.startswith(start)) for start in ("supervisord:", "couchdb.x:", "a:", "K7")
    )
    (result,), (cause,) = shown.results, shown.causes
    (finding,) = result.findings
    result = result._replace(subject=subject, findings=(finding._replace(service=service),))
    cause = cause._replace(subject=subject, instance=instance, explains=(explained,), service=service)
    return shown._replace(results=(result,), causes=(cause,))


def test_templates_keep_their_fields_and_numbers_their_type() -> None:
    text = t("the path of {path}: {share}", path="path", share=Percent(99))
    shown = masked(text, Masks(["path"]))
    assert shown == t("the *** of {path}: {share}", path=HIDDEN, share=Percent(99))
    assert isinstance(dict(shown.params)["share"], Percent)


def test_a_report_without_secrets_is_equal() -> None:
    assert masked(report("plain"), Masks([SECRET])) == report("plain")


# --- where secrets come from


def test_the_stack_knows_the_secrets_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[couchdb]\nurl = "http://marie:s3cr%40t@127.0.0.1:5984"\n'
        '[notify]\nremind = 3600\nwebhook = "https://hooks.example/T0KEN"\napprise = ["slack://T1T1/T2T2"]\n'
        '[support]\ntokens = ["first-token"]\nname = "Somebody"\n'
    )
    path.chmod(0o600)
    config = load(str(path), {})
    found = ["s3cr@t", "marie:s3cr@t", "https://hooks.example/T0KEN", "slack://T1T1/T2T2", "first-token"]
    assert sorted(secrets(config)) == sorted(found)
    shown = Stack(config).masks().mask("warning Somebody marie s3cr%40t slack://T1T1/T2T2 first-token")
    assert shown == "warning Somebody *** *** *** ***"


def test_a_user_without_a_password_is_a_token() -> None:
    assert [*secrets(Config(couchdb=CouchDB(user=Secret("t0ken"), password=Secret(""))))] == ["t0ken"]
    assert [*secrets(Config())] == []


def test_the_stack_keeps_what_is_read_later() -> None:
    stack = Stack(Config())
    assert stack.masks().mask("a canary-1 b") == "a canary-1 b"
    stack.keep_secret("canary-1", "")
    assert stack.masks().mask("a canary-1 b") == "a *** b"


def test_masking_costs_the_quiet_status_little() -> None:
    code = (
        "import sys; before = {*sys.modules}; import cozydiag.masking;"
        "print({'json', 'base64', 'urllib', 'urllib.parse', 'dataclasses'} & {*sys.modules} - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_user_that_everybody_has_is_no_name_to_hide() -> None:
    stack = Stack(Config(couchdb=CouchDB(user=Secret("admin"), password=Secret("s3cr3t"))))
    assert stack.masks().mask("its admin passphrase is not s3cr3t") == "its admin passphrase is not ***"
