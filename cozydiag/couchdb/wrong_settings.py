"""What is wrong in CouchDB's own settings, of which it says nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.couchdb import ini
from cozydiag.couchdb.layout import Place
from cozydiag.findings import ok, skip, warn
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import plural, t

_ROLE = "couchdb"


def of(stack: Stack, place: Place) -> Iterator[Finding]:
    stack.keep_secret(*place.settings.section("admins").values())
    secret = place.settings.get("chttpd_auth", "secret")

    flags = ini.vm_args(place.vm_args)
    stack.keep_secret(secret, flags.get("-setcookie", ""))
    found = [*_malformed(place), *_cookie(place, flags), *_arguments(place), *_in_clear(place)]
    yield from found
    if not found and place.settings.settings:
        yield ok(plural("{n} setting", "{n} settings", n=len(place.settings.settings)))
    elif not found:
        yield skip(t("CouchDB's settings are empty"))


def _malformed(place: Place) -> Iterator[Finding]:
    own = [line for line in place.settings.malformed if not line.path.endswith("/default.ini")]
    if own:
        path, number = own[0]
        yield warn(
            "couchdb.settings_malformed",
            t("CouchDB leaves out line {number} of {path} without a word: it is no setting", number=number, path=path),
            t("Write it as `key = value` below the head of a section, or put a ; before it if it is a comment."),
            role=_ROLE, proof=Evidence(f"{path}:{number}", "not key = value"), restart_helps=False,
        )  # fmt: skip


def _cookie(place: Place, flags: dict[str, str]) -> Iterator[Finding]:
    if flags.get("-setcookie") == "monster":
        yield warn(
            "couchdb.cookie_known",
            t("CouchDB's Erlang cookie is the one that everybody knows"),
            t("Write a long random word after -setcookie in vm.args, then restart CouchDB: from 3.2.2 on it refuses "
              "to start with this one (CVE-2022-24706)."),
            role=_ROLE, proof=Evidence(f"{place.etc}/vm.args", "-setcookie"), restart_helps=False,
        )  # fmt: skip


def _arguments(place: Place) -> Iterator[Finding]:
    """What of vm.args will stop the next start."""

    for number, why in ini.bad_arguments(place.vm_args):
        yield warn(
            "couchdb.vm_args_malformed",
            t("line {number} of {path} will stop CouchDB's next start: {why}", number=number,
              path=f"{place.etc}/vm.args", why=why),
            t("Correct that line: one flag a line, a cookie of letters and digits without quotes, a name of the form "
              "name@host where host is an address or has a dot in it."),
            role=_ROLE, proof=Evidence(f"{place.etc}/vm.args:{number}", "-"), restart_helps=False,
        )  # fmt: skip
        return


def _in_clear(place: Place) -> Iterator[Finding]:
    for name, word in place.settings.section("admins").items():
        if not word.startswith(("-pbkdf2", "-hashed-")):
            line = place.settings.places["admins", name]
            yield warn(
                "couchdb.admin_in_clear",
                t("the password of CouchDB's administrator {name} stands readable in {path}", name=name,
                  path=line.path),
                t("CouchDB replaces it by a hash when it starts, unless it cannot write there; then every start makes "
                  "a new one and ends all sessions. Let its user write the folder local.d, then restart CouchDB."),
                role=_ROLE, proof=Evidence(f"{line.path}:{line.number}", "not hashed"), restart_helps=True,
            )  # fmt: skip
            return
