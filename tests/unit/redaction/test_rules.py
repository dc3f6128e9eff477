"""The rules: what they find, what they leave, that they are stable, linear and no wiser without their prefilter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from cozydiag.redaction import WITHHELD, Redactor
from cozydiag.redaction.identity import Identity
from cozydiag.redaction.redactor import LONGEST, RULES
from cozydiag.text.catalogue import catalogue

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def corpus(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8").replace("\u241f", ""))
    return found


CORPUS, MORE = corpus("corpus.json"), corpus("more.json")
SECRETS = [*CORPUS["secrets"], *MORE["secrets"]]
INNOCENT = [*CORPUS["innocent"], *MORE["innocent"]]


def redactor(*, prefilter: bool = True) -> Redactor:
    return Redactor(Identity(["cloud.alice.example"], ["gatehouse"], ["alicia"]), prefilter=prefilter)


def redact(text: str, **options: bool) -> str:
    return "\n".join(redactor(**options).lines(text.split("\n")))


def survives(secret: str, text: str) -> bool:
    """Whether so much of it is left that somebody could guess the rest."""
    match = SequenceMatcher(None, secret, text, autojunk=False).find_longest_match(0, len(secret), 0, len(text))
    return match.size >= max(5, 0.4 * len(secret))


def without_words_of_ours(entry: dict[str, Any]) -> str:
    """The redacted text without what stood around the secrets before: `password=` has much of `passw0rd`."""
    left = redact(entry["text"])
    kept = entry["text"]
    for secret in entry["secrets"]:
        kept = kept.replace(secret, "\n")
    for piece in sorted(kept.split("\n"), key=len, reverse=True):
        left = left.replace(piece, "\n", 1) if piece.strip() else left
    return left


def test_secrets_are_found() -> None:
    missed = [
        entry["text"]
        for entry in SECRETS
        if any(
            secret in redact(entry["text"]) or survives(secret, without_words_of_ours(entry))
            for secret in entry["secrets"]
        )
    ]
    assert missed == []


def test_innocent_lines_stay() -> None:
    assert [line for line in INNOCENT if redact(line) != line] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_our_own_words_stay(language: str) -> None:
    """No text that a report can hold is taken for a secret."""
    known = catalogue(language)
    source = (ROOT / "cozydiag/text/locale/fr/LC_MESSAGES/cozydiag.po").read_text(encoding="utf-8")
    texts = [
        json.loads(line.partition(" ")[2]) for line in source.splitlines() if line.startswith(("msgid ", "msgstr "))
    ]
    assert known is not None
    assert len(texts) > 500
    changed = [text for text in texts for line in text.split("\n") if redact(line) != line]
    assert changed == []


def pieces() -> list[str]:
    dice = random.Random(11)  # noqa: S311  the same pieces in every run
    texts = [entry["text"] for entry in SECRETS] + INNOCENT
    cut = [text[at : at + dice.randint(3, 30)] for text in texts for at in (dice.randrange(max(1, len(text))),)]
    return [
        *cut, "password", "token", "=", ": ", '"', "'", "\\", "<secret#1>", "<token#2>", "<private-key>", "***",
        "mail1@domain1.example",
        "<ip4-net1-host2>", "93.184.216.34", "gatehouse", "alicia", "drive.cloud.alice.example", "@", "://", ":", "/",
        " ", "\n",
        "[admins]\n", "-----BEGIN RSA PRIVATE KEY-----\n", "A" * 64 + "\n", "%40", "Cookie: ", "-p", "mysql ", "&",
        "?", "É", "İ",
        "password: |\n  ", "cat couchdb.login\n", "value: ",
    ]  # fmt: skip


def mixtures(count: int) -> Iterator[str]:
    dice = random.Random(20261121)  # noqa: S311
    given = pieces()
    for _ in range(count):
        yield "".join(dice.choices(given, k=dice.randint(2, 14)))


def test_redacting_twice_is_redacting_once() -> None:
    for text in (*(entry["text"] for entry in SECRETS), *INNOCENT, *mixtures(1500)):
        once = redact(text)
        assert redact(once) == once, text


def test_the_prefilter_misses_nothing() -> None:
    for text in (*(entry["text"] for entry in SECRETS), *INNOCENT, *mixtures(1500)):
        assert redact(text) == redact(text, prefilter=False), text


def test_every_rule_has_an_example() -> None:
    """A rule that finds nothing in any text of these tests is not known to work."""
    idle = set(range(1, len(RULES._all)))  # the first only says which lines may begin something
    for entry in SECRETS:
        for line in entry["text"].split("\n"):
            idle -= {number for number, rule in enumerate(RULES._all) if list(rule.find(line, line.lower()))}
    assert [RULES._all[number].find for number in idle] == []


# --- a few, one by one: what stays around a secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://cozy:Pw-1234567@127.0.0.1:5984/", "http://cozy:<secret#1>@127.0.0.1:5984/"),
        ("Authorization: Basic Y296eTpzM2NyZXQ=", "Authorization: Basic <secret#1>"),
        ("Cookie: cozysessid=AbcDef123456; locale=fr", "Cookie: cozysessid=<cookie#1>; locale=fr"),
        ("GET /?registerToken=abc123def456&x=1", "GET /?registerToken=<secret#1>&x=1"),
        ("[admins]\nanna = plain-word\n[log]\nlevel = info", "[admins]\nanna = <secret#1>\n[log]\nlevel = info"),
        ("mysqldump -uroot -pR00t! cozy", "mysqldump -uroot -p<secret#1> cozy"),
        ("a -----BEGIN PRIVATE KEY-----\nMIIEabcd0123456789ABCDEF\n-----END PRIVATE KEY-----\nb", "a <private-key>\nb"),
        ("anna:$6$salt$0123456789abcdef:19600:0", "anna:<hash#1>:19600:0"),
        ("password=Same-1234 and again Same-1234", "password=<secret#1>"),
        ("x password=Same-1234, again Same-1234", "x password=<secret#1>, again <secret#1>"),
        ("alicia-drive.cloud.alice.example", "name1-drive.name2.domain1.example"),
    ],
)  # fmt: skip
def test_what_stands_around_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_same_secret_has_one_number_in_all_its_forms() -> None:
    text = 'http://u:S3cr%21et-x@h/ {"password":"S3cr!et-x"} Authorization: Basic dTpTM2NyIWV0LXg='
    assert redact(text).count("<secret#1>") == 3


# --- hostile text

HOSTILE = (
    "password", "password=",
    'password="', "password:'", "-p ", "mysql -p", "curl -u a:", "://", "://a:", "@", "a@", "a:b@", "%40", "%3a%2f%2f",
    "?token=", "&", "=", "Cookie: a=", "Set-Cookie: ", "Authorization: ", "authorization:'", "Basic ", "$6$",
    "scrypt$1$1$1$", "-pbkdf2-",
    "eyJ", "ghp_", "-----BEGIN PRIVATE KEY-----", "-----END", "A" * 64, "1.2.3.4", "1:2:", "::", "ff:", "gatehouse",
    "alicia.", "a.",
    "cloud.alice.example", "x.cloud.alice.example", "<", "<secret#1>", "[admins]",
    "\\", '\\"', "'", "&quot;", "&#39;", "key", "code=", "x-",
    "name: password, value: ", "echo a | sudo -S", "hooks/", "login a password ", "\u0130", "é", "\x85", " ",
)  # fmt: skip


def test_hostile_lines_are_linear() -> None:
    """A process may use so much of the processor that linear work ends and quadratic work cannot."""
    code = """
import resource, sys
from cozydiag.redaction import Redactor
from cozydiag.redaction.identity import Identity
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for part in eval(sys.argv[1]):
    for before, after in (("", ""), ("password=", '"'), ("mysql curl -H 'Cookie: ", "@h"), ("token ", "<")):
        redactor = Redactor(Identity(["cloud.alice.example"], ["gatehouse"], ["alicia"]))
        redactor.know(["S3cr3t-%x/+" + "y" * 20])
        list(redactor.lines([before + part * (40_000 // len(part)) + after]))
"""
    done = subprocess.run([sys.executable, "-c", code, repr(HOSTILE)], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_a_line_without_end_is_cut_and_leaves_no_half_of_a_secret() -> None:
    one = redactor()
    one.know(["Half-A-Secret-0123456789"])
    line = "x" * (LONGEST - 8192 - 10) + "Half-A-Secret-0123456789" + "y" * 100_000
    (shown,) = one.lines([line])
    assert "Half" not in shown
    assert shown.endswith("[the rest of this line is left out]")


def test_what_does_not_come_to_rest_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    one = redactor()
    monkeypatch.setattr(one, "_replaced", lambda line, found: line + "x")
    assert list(one.lines(["password=abc"])) == [WITHHELD]
