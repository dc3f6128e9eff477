"""What servers said to the collector, by curl or by wget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from cozydiag.collected.grammar import Collected, Section
from cozydiag.host import Answer, Failure
from cozydiag.host import url as urls
from cozydiag.host.logs import one_line

HUNG: Final = Failure("timeout", "connected, but no answer in time")
REFUSED: Final = Failure("refused", "connection refused")
CLOSED: Final = Failure("closed", "closed without an answer")

_CURL: Final[Mapping[str, Failure]] = {
    "6": Failure("name", "no such name"),
    "7": REFUSED,
    "28": HUNG,
    "35": Failure("tls", "no TLS"),
    "52": CLOSED,
    "56": Failure("reset", "connection reset by peer"),
    "124": HUNG,
    "137": HUNG,
}
"""curl(1), EXIT CODES, and those of a program that took too long."""

_WGET: Final[tuple[tuple[bytes, Failure], ...]] = (
    (b"onnection refused", REFUSED),
    (b"timed out", HUNG),
    (b"onnection reset", Failure("reset", "connection reset by peer")),
    (b"No data received", CLOSED),
)
"""What GNU's and busybox's say."""

_AT = re.compile(r"(?P<url>https?://\S+)(?: at (?P<address>[0-9.]+))?(?P<login> with login)?")
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9][0-9])(?: (.*))?")


class Asked(NamedTuple):
    """``place`` is where the connection went, ``host`` the name that was asked for."""

    place: str
    host: str
    target: str
    login: bool


def asked(url: urls.Url, address: tuple[str, int] | None, *, login: bool) -> Asked:
    name, port = address or (url.host, url.port)
    return Asked(f"{_plain(name)}:{port}", _plain(url.host), url.target, login)


def _plain(name: str) -> str:
    return "127.0.0.1" if name == "localhost" else name


def answers(collected: Collected) -> dict[Asked, Answer | Failure]:
    """What was not asked, or broke off where it cannot be told how, is not in it."""
    found: dict[Asked, Answer | Failure] = {}
    for one in collected.of("answer"):
        place = _AT.fullmatch(one.name)
        url = urls.parse(place["url"]) if place else None
        said = _said(one)
        if place is not None and url is not None and said is not None:
            address = (place["address"], url.port) if place["address"] else None
            found.setdefault(asked(url, address, login=bool(place["login"])), said)
    return found


def _said(one: Section) -> Answer | Failure | None:
    code, by = one.word("exit"), one.word("by")
    if not code or "unasked" in one.states or by not in ("curl", "wget"):
        return None
    answer = _by_curl(one.lines) if by == "curl" else _by_wget(one.lines)
    cut = "cut" in one.states or any(line.endswith(b" (cut)") for line in one.lines)
    if answer is not None and (code in ("0", "8") or cut):
        return answer._replace(truncated=cut)
    if by == "curl":
        return _CURL.get(code)
    if code == "0":
        return None
    return next((failure for words, failure in _WGET if any(words in line for line in one.lines)), None)


def _by_curl(lines: tuple[bytes, ...]) -> Answer | None:
    """`curl -i`: the head, an empty line, the body."""
    if not lines or not _STATUS.fullmatch(lines[0]):
        return None
    end = lines.index(b"") if b"" in lines else len(lines)
    return _answer(lines[:end], lines[end + 1 :])


def _by_wget(lines: tuple[bytes, ...]) -> Answer | None:
    """`wget -S -O -`: the lines of the head stand behind two blanks. Of several heads (a redirect) the first counts."""
    heads = [number for number, line in enumerate(lines) if line.startswith(b"  HTTP/")]
    if not heads:
        return None
    head = []
    for line in lines[heads[0] :]:
        if not line.startswith(b"  "):
            break
        head.append(line[2:])
    body = () if len(heads) > 1 else lines[heads[0] + len(head) :]
    return _answer(tuple(head), body) if _STATUS.fullmatch(head[0]) else None


def _answer(head: tuple[bytes, ...], body: tuple[bytes, ...]) -> Answer:
    status = _STATUS.fullmatch(head[0])
    assert status is not None  # noqa: S101  both have looked
    pairs = (line.partition(b":") for line in head[1:])
    headers = tuple((one_line(name, 200), one_line(value.strip(), 4096)) for name, mark, value in pairs if mark)
    return Answer(int(status[1]), one_line(status[2] or b"", 200), headers, b"\n".join(body), False)
