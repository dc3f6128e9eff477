"""Why nothing is done: all that can forbid an act that would otherwise be right."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, State
from cozydiag.model import Report, Status
from cozydiag.repair import budget, health, owners, reasons, work
from cozydiag.repair.budget import Verdict
from cozydiag.repair.ledger import Ledger
from cozydiag.repair.maintenance import current
from cozydiag.repair.moments import Moment
from cozydiag.stack import Stack
from cozydiag.text import Bytes, Seconds, Text, t

if TYPE_CHECKING:
    from cozydiag.repair.plan import Action

_NEVER: Final = (
    "ssh", "sshd", "ssh@*", "sshd@*", "dropbear", "dbus*", "systemd-*", "networking", "network", "NetworkManager*",
    "ifup@*", "ifplugd*", "wpa_supplicant*", "dhcpcd*", "connman", "getty@*", "serial-getty@*", "user@*", "polkit*",
    "elogind", "udev", "init", "docker", "containerd", "mysql", "mariadb", "postgresql*",
)  # fmt: skip
"""Whoever loses these may not come back in, or takes more down than was broken (needrestart, override_rc)."""

_NO_ROOM = frozenset({"host.disk_full", "host.inodes", "host.read_only"})
_DATA_AT_RISK = frozenset({
    "couchdb.data_lost", "couchdb.data_missing", "couchdb.disk_full", "couchdb.file_damaged", "couchdb.inodes",
    "couchdb.read_only", "couchdb.databases_forgotten", "couchdb.node_renamed",
})  # fmt: skip
_TASKS = frozenset({"database_compaction", "view_compaction", "indexer", "search_indexer"})
APPS: Final = "/usr/local/cozy/apps"
"""Where the controller has the code of its apps (cozy-controller, `dir_app_bin`)."""
LEAST_MEMORY: Final = 64 << 20
"""Bytes; less than any app of a Cozy takes (node alone has 40 MB)."""


class Terms(NamedTuple):
    """On which terms a repair is made. ``auto``: nobody is there who looks at it. ``only``: services or roles, all
    when empty. ``most``: so many acts at most. ``force``: what does not end may be killed."""

    auto: bool = False
    only: tuple[str, ...] = ()
    most: int = 1000
    force: bool = False
    by: str = ""


class View(NamedTuple):
    """What a gate looks at. ``began`` is when this run did."""

    host: Host
    stack: Stack
    report: Report
    ledger: Ledger
    terms: Terms
    began: Moment


Gate = Callable[[View, "Action"], "Verdict | None"]


def verdict(view: View, action: Action) -> Verdict | None:
    """Why ``action`` is not done now; None when it may be."""
    try:
        return next(filter(None, (gate(view, action) for gate in _GATES)), None)
    except GivenUp:
        return Verdict("deferred", "unanswered", t("its manager does not answer: {why}", why="-"))


def _never(_: View, action: Action) -> Verdict | None:
    service = action.service
    bare = service.unit.removesuffix(".service")
    if service.manager in ("systemd", "sysv") and any(fnmatchcase(bare, pattern) for pattern in _NEVER):
        text = t("{service} is never restarted by cozydiag: too much depends on it", service=bare)
        return Verdict("refused", "never", text)
    return None


def _maintenance(view: View, _: Action) -> Verdict | None:
    found = current(view.ledger.state, view.ledger.clock)
    if found is None:
        return None
    text = t("maintenance for another {left}, declared by {by}: {reason} (`cozydiag maintenance off` ends it)",
             left=Seconds(found.left), by=found.by or "?", reason=found.reason or "-")  # fmt: skip
    return Verdict("deferred", "maintenance", text)


def _intended(view: View, action: Action) -> Verdict | None:
    found = owners.condition(view.host, view.stack, action.service)
    if found is not None and is_disabled(found):
        return Verdict("refused", "disabled", disabled(found))
    stopped = found is not None and found.state is State.STOPPED and not found.wanted
    if view.terms.auto and stopped and action.verb == "start":
        text = t(
            "it was stopped, perhaps on purpose: only a person starts it again ({command})", command=action.command
        )
        return Verdict("refused", "stopped", text)
    return None


def is_disabled(found: Condition) -> bool:
    """It is down, and would not come back after a boot: that is no accident."""
    init = found.service.manager in ("systemd", "sysv")
    return found.state is State.DISABLED or (found.state is State.STOPPED and init and found.boot is False)


def disabled(found: Condition) -> Text:
    """Why it is left alone, and what a person would type."""
    if not found.boot_line:
        return t("it is disabled or masked: somebody decided that it is not to run")
    return t("it is disabled: somebody decided that it is not to run (to undo that: {line})", line=found.boot_line)


def _starting(view: View, action: Action) -> Verdict | None:
    found = owners.condition(view.host, view.stack, action.service)
    if found is not None and found.state in (State.STARTING, State.STOPPING):
        return Verdict("deferred", "starting", t("it is still on its way: {words}", words=found.words or found.state))
    if not view.terms.auto:
        return None
    rules, up = view.stack.config.repair, _uptime(view.host)
    if up is not None and up < rules.boot_grace:
        return Verdict("deferred", "boot", t("the machine was started only {age} ago", age=Seconds(up)))
    return _young(view, found, action)


def _young(view: View, found: Condition | None, action: Action) -> Verdict | None:
    """Since it began to run; how long it has been down is no excuse."""
    if found is None or found.since is None or not found.pids:
        return None
    manager = owners.manager_of(view.host, view.stack, action.service)
    own = manager.patience(view.host.within(5.0, "repair"), action.service) if manager is not None else 0.0
    age = max(0.0, view.host.clock.now() - found.since)
    if age < max(own, view.stack.config.repair.grace):
        return Verdict("deferred", "grace", t("it was started only {age} ago and gets its time", age=Seconds(age)))
    return None


def _uptime(host: Host) -> float | None:
    content = host.read("/proc/uptime")
    try:
        return None if isinstance(content, Failure) else float(content.split()[0])
    except (ValueError, IndexError):
        return None


def _busy(view: View, _: Action) -> Verdict | None:
    found = work.under_way(view.host, view.stack)
    return None if found is None else Verdict("deferred", *found)


def _no_room(view: View, action: Action) -> Verdict | None:
    causes = [cause for cause in view.report.causes if cause.severity is Status.FAIL or cause.code in _DATA_AT_RISK]
    full = next((cause for cause in causes if cause.code in _NO_ROOM), None)
    if full is not None:
        return Verdict("refused", "disk", t("it would meet this again: {why}", why=full.text))
    risk = next((cause for cause in causes if cause.code in _DATA_AT_RISK), None)
    if risk is not None and action.service.role == "couchdb":
        return Verdict("refused", "data", t("its data could be at risk: {why}", why=risk.text))
    memory = view.host.memory()
    if isinstance(memory, Failure) or action.verb != "start" or action.service.role == "proxy":
        return None  # a restart gives back first what it takes
    left = memory.available + memory.swap_free
    if left >= LEAST_MEMORY:
        return None
    text = t("only {left} of memory is free: it would not come up", left=Bytes(left))
    return Verdict("deferred", "memory", text)


def _again(view: View, action: Action) -> Verdict | None:
    """What would meet the same fault again. Memory that ran out is given one more chance."""
    lasting = reasons.lasting(action.cause)
    if lasting is not None:
        return Verdict("refused", "again", lasting)
    rules, acts = view.stack.config.repair, view.ledger.of(action.service.address)
    lately = any(act.ours and not act.proven and act.age < rules.window for act in acts)
    if lately and reasons.of_memory(action.cause):
        text = t("it has run out of memory again soon after a restart: it needs more memory, or less to do")
        return Verdict("refused", "out_of_memory", text)
    return None


def _tasks(view: View, action: Action) -> Verdict | None:
    """Compaction and indexing would begin anew. Asked only of a CouchDB that answers."""
    if (
        action.service.role != "couchdb"
        or action.verb == "start"
        or action.cause.code in ("service.hung", "service.down")
    ):
        return None
    from cozydiag.couchdb import access

    look = view.host.within(2.0, "repair")
    account = access.known(view.stack, look)
    reply = account.ask(look, "/_active_tasks") if account is not None else None
    items = [] if reply is None or isinstance(reply, Failure) else reply.items
    busy = next((item for item in items if isinstance(item, dict) and item.get("type") in _TASKS), None)
    if busy is None:
        return None
    text = t("CouchDB is at work ({task} of {database}), which would begin anew",
             task=str(busy["type"]), database=str(busy.get("database", "?")))  # fmt: skip
    return Verdict("deferred", "couchdb.tasks", text)


def _code(view: View, action: Action) -> Verdict | None:
    """`cozy-monitor start X` stops X first, then fetches what is not there from the npm registry."""
    name = action.service.unit
    if action.service.manager != "cozy-monitor" or os.sep in name:
        return None
    there = view.host.stat(f"{APPS}/{name}")
    if not isinstance(there, Failure):
        return None
    text = t("its code is not in {path}: cozy-monitor would stop it, and then have to fetch it from the npm registry",
             path=f"{APPS}/{name}")  # fmt: skip
    return Verdict("refused", "code", text)


def _confirmed(view: View, action: Action) -> Verdict | None:
    seconds = view.stack.config.repair.confirm_auto
    if not view.terms.auto or health.confirmed(view.ledger, action.service.address, seconds, view.began):
        return None
    return Verdict("deferred", "confirm", t("it was not seen broken by an earlier run at least {age} ago",
                                            age=Seconds(seconds)))  # fmt: skip


def _budget(view: View, action: Action) -> Verdict | None:
    rules = view.stack.config.repair
    return budget.limit(view.ledger, action.service.address, rules, auto=view.terms.auto)


_GATES: Final[tuple[Gate, ...]] = (
    _never, _maintenance, _intended, _no_room, _again, _code, _starting, _busy, _tasks, _confirmed, _budget,
)  # fmt: skip
"""What holds for ever comes first, what passes by itself last."""
