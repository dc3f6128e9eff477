"""This host's own names and addresses of mail. Names come from lists, never from patterns: every dotted word looks like
a host. The shape of what a name is part of stays, and so do the names of Cozy's apps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cozydiag.redaction.pseudonyms import StandIns
from cozydiag.redaction.rule import small
from cozydiag.redaction.usual import PUBLIC, SLUGS, USUAL

_BACKWARDS = re.compile(r"[\w.+'-]{0,63}[A-Za-z0-9](?![\w.+-])")
"""The name before `@`, from its end."""

_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[\w-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_UNITS = frozenset([
    "service", "socket", "timer", "mount", "target", "slice", "scope", "path", "device", "swap", "automount", "couch",
    "local", "localdomain", "internal", "lan", "png", "jpg", "svg", "js", "css",
])  # fmt: skip
_NODES = frozenset(["couchdb", "nonode", "rabbit", "ejabberd", "git"])
_STAND_IN_NAME = re.compile(r"(?:mail)?dom(?:ain)?\d+\.example|(?:host|user|mail|name)\d+", re.IGNORECASE)

_GOES_ON = re.compile(r"[\w-]")
_LABEL_FOLLOWS = re.compile(
    r"\.(?!(?:conf|log|pem|crt|key|cert|csr|access|error|old|bak|gz|vhost|txt|json|ya?ml|ini|service|\d+)\b)[A-Za-z0-9]"
)
"""Another label; not the end of the name of a file."""

_LABELS = re.compile(r"(?:[\w*-]{1,63}\.){1,8}")


class Names:
    """``domains`` and ``hosts`` are this host's own names, ``users`` the login names of its people."""

    def __init__(self, domains: Iterable[str] = (), hosts: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        names = {name.lower().strip(".").removeprefix("*.") for name in (*domains, *hosts)}
        own = {_registrable(name) for name in names if "." in name}
        own = {name for name in own if name and not _STAND_IN_NAME.fullmatch(name)}
        short = {name.lower().partition(".")[0] for name in hosts}
        short = {name for name in short if _says_something(name)}
        self._users = frozenset(user for user in users if _says_something(user) and user.lower() not in short)
        self._names = {**dict.fromkeys(short, "host"), **dict.fromkeys(own, "domain")}
        self._names |= {user.lower(): "user" for user in self._users}
        self._ordered = sorted(self._names, key=lambda name: (-len(name), name))

    def hide(self, text: str, stand_ins: StandIns) -> str:
        """``text`` without addresses of mail and names."""
        for mark in ("@", "%40"):
            if mark in text:
                text = self._without_mails(text, mark, stand_ins)
        return self._without_names(text, stand_ins)

    def _without_mails(self, text: str, mark: str, stand_ins: StandIns) -> str:
        pieces, done, at = [], 0, text.find(mark)
        while at >= 0:
            domain = _DOMAIN.match(text, at + len(mark))
            back = _BACKWARDS.match(text[max(done, at - 65) : at][::-1]) if domain else None
            if domain and back and (shown := self._mail(back[0][::-1], mark, domain[0], stand_ins)):
                pieces += [text[done : at - back.end()], shown]
                done = domain.end()
            at = text.find(mark, at + 1)
        return "".join([*pieces, text[done:]])

    def _mail(self, local: str, mark: str, domain: str, stand_ins: StandIns) -> str:
        """The stand-in of an address; "" where it is none."""
        low = domain.lower()
        if local.lower() in _NODES or low.rpartition(".")[2] in _UNITS:
            return ""
        if _STAND_IN_NAME.fullmatch(
            low.rpartition(".")[0].rpartition(".")[2] + ".example"
        ) and _STAND_IN_NAME.fullmatch(local):
            return ""
        place = self._without_names(low, stand_ins)
        if place == low:
            place = stand_ins.numbered("domain", "maildom", low, ".example")
        return stand_ins.numbered("mail", "mail", f"{local}@{low}") + mark + place

    def _without_names(self, text: str, stand_ins: StandIns) -> str:
        low = small(text)
        places = sorted((at, -len(name), name) for name in self._ordered for at in _places(low, name))
        pieces, done = [], 0
        for start, _, name in places:
            first, end, kind = start, start + len(name), self._names[name]
            said = text[start:end]
            if start < done or _GOES_ON.match(text, end) or (kind == "user" and said not in self._users):
                continue
            if kind == "domain":
                if _LABEL_FOLLOWS.match(text, end):
                    continue
                first = _before(text, start, done)
                if first == start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_-"):
                    continue
                shown = _own_domain(text[first:start], name, stand_ins)
            elif start and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
                continue
            else:
                shown = stand_ins.numbered(kind, kind, said if kind == "user" else name)
            pieces += [text[done:first], shown]
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text


def _own_domain(labels: str, name: str, stand_ins: StandIns) -> str:
    base = stand_ins.numbered("domain", "domain", name, ".example")
    return ".".join([*(_label(label, stand_ins) for label in labels.split(".") if label), base])


def _label(label: str, stand_ins: StandIns) -> str:
    """A name under a domain: `alice-drive` has the name `alice` and the app `drive`."""
    low = label.lower()
    if low in SLUGS or low in ("*", "_dmarc", "_domainkey") or re.fullmatch(r"name\d+(?:-.+)?", low) or label.isdigit():
        return label
    name, mark, app = label.rpartition("-")
    if mark and app.lower() in SLUGS:
        return f"{_label(name, stand_ins)}-{app}"
    return stand_ins.numbered("name", "name", low)


def _says_something(name: str) -> bool:
    low = name.lower()
    return (
        len(name) > 2
        and low not in USUAL
        and low not in SLUGS
        and not low.isdigit()
        and _STAND_IN_NAME.fullmatch(low) is None
    )


def _registrable(name: str) -> str:
    """The part of a name that somebody has registered, "" where there is none."""
    labels = name.split(".")
    if (
        labels[-1] in ("localhost", "local", "localdomain", "lan", "internal", "home", "test", "invalid")
        or name.replace(".", "").isdigit()
    ):
        return ""
    keep = 3 if ".".join(labels[-2:]) in PUBLIC else 2
    return ".".join(labels[-keep:]) if len(labels) >= keep else ""


def _before(text: str, start: int, least: int) -> int:
    """Where the labels before a name begin."""
    first = start
    while first > least and start - first < 250 and (text[first - 1].isalnum() or text[first - 1] in "-_.*"):
        first -= 1
    return first if first == start or _LABELS.fullmatch(text, first, start) else start


def _places(text: str, name: str) -> Iterator[int]:
    at = text.find(name)
    while at >= 0:
        yield at
        at = text.find(name, at + len(name))
