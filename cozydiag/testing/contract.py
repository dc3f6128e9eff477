"""What every check must do in a dead, a strange and a healthy world."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final

from cozydiag.config import Config
from cozydiag.host import Failure
from cozydiag.model import Check, Finding, Result, Status
from cozydiag.stack import Stack
from cozydiag.testing.guard import Watched, watching
from cozydiag.testing.host import FakeHost
from cozydiag.testing.machine import HANGS, Machine, answer
from cozydiag.testing.running import results
from cozydiag.text import Text
from cozydiag.text.catalogue import catalogue, fields

_GARBAGE = bytes(range(33, 127)) * 3 + b"\n{\x00[<\x1b]0;x\x07>"
_DENIED = Failure("permission", "permission denied")


def _saying(content: bytes) -> Callable[[], Machine]:
    return partial(Machine, elsewhere=answer(200, content), other_files=content)


def _failing(failure: Failure) -> Callable[[], Machine]:
    return partial(Machine, elsewhere=failure, other_files=failure, other_disks=failure, memory=failure)


DEAD: Final[Callable[[], Machine]] = Machine
"""Everything is refused or missing."""

STRANGE: Final[Mapping[str, Callable[[], Machine]]] = {
    "empty": _saying(b""),
    "garbage": _saying(_GARBAGE),
    "not UTF-8": _saying("été\nà la façon de\n".encode("latin-1") + b"\xff\xfe\x80"),
    "other JSON": _saying(b'[null, 1, {"error": [], "status": {}, "rows": 3}]\n'),
    "deep JSON": _saying(b"[" * 100_000),
    "1 MiB": _saying(b"0123456789abcde\n" * 65536),
    "server error": partial(Machine, elsewhere=answer(500, b"Internal Server Error"), other_files=_DENIED),
    "denied": _failing(_DENIED),
    "hangs": _failing(HANGS),
    "breaks off": _failing(Failure("closed", "closed without an answer")),
    "not HTTP": _failing(Failure("protocol", "SSH-2.0-OpenSSH_9.2")),
}
"""Everything is there, and nothing is what it should be."""

_CODE = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_BAD = (Status.WARN, Status.FAIL)


def contract(
    check: Check,
    healthy: Callable[[], Machine],
    config: Config,
    *,
    item: Any = None,
    documented: Collection[str] | None = None,
    credulous: Collection[str] = (),
) -> None:
    """Raises AssertionError, which says what and in which world, when ``check`` breaks the contract.

    In every world: at least one finding, no exception, every text can be shown in both languages, WARN and FAIL
    carry a code (one of ``documented``) and advice, nothing goes round Host. Dead and strange are never OK,
    healthy is only OK or SKIP. ``item`` is looked at in the dead and the strange worlds too, where the check's
    source may find nothing. ``credulous`` names strange worlds in which OK is right, because there is nothing that
    the check could know better.
    """
    worlds = {"dead": DEAD, **STRANGE}
    for name, machine in worlds.items():
        good = {Status.OK} if name in credulous else set()
        allowed = {Status.SKIP, Status.UNKNOWN, *_BAD} | good
        for one in {None, item} if item is not None else (None,):
            _examine(check, machine(), config, one, name, allowed, documented)
    _examine(check, healthy(), config, None, "healthy", {Status.OK, Status.SKIP}, documented)


def _examine(
    check: Check,
    machine: Machine,
    config: Config,
    item: Any,
    world: str,
    allowed: Collection[Status],
    documented: Collection[str] | None,
) -> None:
    watched = Watched(check.function)
    with watching():
        seen = results(check._replace(function=watched), FakeHost(machine), Stack(config), item)
    flaws = [flaw for result in seen for flaw in _flaws(result, allowed, documented)]
    flaws += [f"goes round Host: {doing}" for doing in watched.seen]
    if not seen:
        flaws.append("has no result")
    if flaws:
        raise AssertionError(f"{check.id} in the world “{world}”: " + "; ".join(flaws))


def _flaws(result: Result, allowed: Collection[Status], documented: Collection[str] | None) -> Iterator[str]:
    if result.status not in allowed:
        words = [finding.text.template.format(**dict(finding.text.params)) for finding in result.findings]
        yield f"{result.instance} is {result.status}: {words}"
    if not result.findings:
        yield f"{result.instance} says nothing"
    for finding in result.findings:
        yield from _finding_flaws(finding, documented)


def _finding_flaws(finding: Finding, documented: Collection[str] | None) -> Iterator[str]:
    if finding.status in (*_BAD, Status.UNKNOWN):
        if not _CODE.fullmatch(finding.code):
            yield f"{finding.code!r} is not a code such as couchdb.maintenance"
        elif documented is not None and finding.code not in documented:
            yield f"{finding.code} is not documented"
    if finding.status in _BAD and finding.advice is None:
        yield f"{finding.code} gives no advice"
    for text in (finding.text, finding.advice):
        if text is not None:
            yield from _text_flaws(text)


def _text_flaws(text: Text) -> Iterator[str]:
    """Fields without a parameter, in English or in the translation."""
    french = catalogue("fr")
    shown = french.find(text.template) if text.many is None else french.find_plural(text.template, text.many, text.n)
    for template in (text.template, text.many or "", shown):
        missing = fields(template) - {name for name, _ in text.params}
        if missing:
            yield f"{template!r} has no parameter for {', '.join(sorted(missing))}"
    for _, value in text.params:
        if isinstance(value, Text):
            yield from _text_flaws(value)
