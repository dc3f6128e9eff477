"""All that a check needs, and the only module that drop-in checks are promised.

from cozydiag.api import Finding, Host, Iterator, Stack, check, fail, ok, t

@check("backup.recent", t("The backup is recent"), because=["host.disk"])
def recent(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("Last backup: {when}", when=When(...)))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition
from cozydiag.managers.supervisord import Program
from cozydiag.model import Check, Evidence, Finding, Status
from cozydiag.stack import Mount, Site, Stack
from cozydiag.stack.ownership import Owned
from cozydiag.text import Bytes, Percent, Seconds, Text, When, plural, t, verbatim

if TYPE_CHECKING:
    from cozydiag.cozy.apps import App
    from cozydiag.cozy.flavour import Flavour

__all__ = [
    "Bytes", "Check", "Condition", "Evidence", "Failure", "Finding", "Host", "Iterator", "Mount", "Owned", "Percent",
    "Program", "Seconds", "Site", "Stack", "Status", "Text", "When", "check", "fail", "ok", "plural", "skip", "t",
    "unknown", "verbatim", "warn",
]  # fmt: skip

_ID = re.compile(r"[a-z0-9_.-]+")

O = TypeVar("O")  # noqa: E741  (the options of a check)
Findings = Iterator[Finding]
Plain = Callable[[Host, Stack], Findings]


@overload
def check(
    id: str, title: Text, *, each: None = None, options: None = None, needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Plain], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: None = None, options: type[O], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, O], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["sites"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Site], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["programs"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Program], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["mounts"], options: type[O], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Mount, O], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["managers"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Owned], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["services"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Condition], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["apps"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, App], Findings]], Check]: ...  # fmt: skip
@overload
def check(
    id: str, title: Text, *, each: Literal["stacks"], needs: Sequence[str] = (),
    because: Sequence[str] = (), role: str | None = None, essential: bool = False, timeout: float | None = None,
) -> Callable[[Callable[[Host, Stack, Flavour], Findings]], Check]: ...  # fmt: skip
def check(
    id: str,
    title: Text,
    *,
    each: str | None = None,
    options: type[Any] | None = None,
    needs: Sequence[str] = (),
    because: Sequence[str] = (),
    role: str | None = None,
    essential: bool = False,
    timeout: float | None = None,
) -> Callable[[Callable[..., Findings]], Check]:
    """Make a check of a function that yields findings.

    ``needs``: ids without which looking says nothing. ``because``: ids whose failure would explain a failure
    of this one. ``each``: the source whose items it looks at one by one. ``role``: what it looks at, where that
    is one thing. ``essential``: a verdict is not possible without it. ``timeout``: seconds, when the usual
    limit (2 on this machine) is not right. ``options``: a named tuple, or a frozen dataclass, filled from
    ``[checks."ID"]``.
    Raises ValueError for an id outside ``[a-z0-9_.-]+``.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"check id {id!r}: use lower-case letters, digits and . _ - only")

    def made(function: Callable[..., Findings]) -> Check:
        return Check(id, title, function, tuple(needs), tuple(because), each, role, essential, timeout, options)

    return made
