"""What PM2 and forever ran when they were last seen, and how that is started: once a daemon is gone, nobody else knows.

Kept only where cozydiag has a state anyhow (`fix` and `watch` make one); a command line has no environment in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, Manager, Service, State

if TYPE_CHECKING:
    from cozydiag.stack import Stack
    from cozydiag.state import State as Kept

_KEY = "last seen of "


class Seen(NamedTuple):
    """``daemon`` is the daemon's process (0 where there is none; one that has begun anew may have done so within the
    same second), ``boot`` the boot of the machine, ``at`` when it was seen so. ``lines`` start what should run, by
    names."""

    daemon: int
    boot: str
    at: float
    lines: dict[str, str]


def completed(
    stack: Stack, host: Host, manager: Manager, found: tuple[Condition, ...] | Failure
) -> tuple[Condition, ...] | Failure:
    """With what has been lost since: by PM2 whose daemon has begun anew, or did not after a reboot. What is taken out
    of the list of a daemon that lives was taken out by somebody, who may also have saved his list since."""
    state = _open(stack, host)
    if state is None:
        return found
    try:
        before, now = _read(state.get(_KEY + manager.place)), _now(host, manager, found)
        lost = _lost(host, manager, before, now)
        if isinstance(found, Failure):
            return lost or found
        if not lost and now.lines and (before is None or now._replace(at=before.at) != before):
            state.set(_KEY + manager.place, now)
        return (*(_whole(one, before) for one in found), *lost)
    finally:
        state.close()


def folders(stack: Stack, host: Host) -> tuple[str, ...]:
    """The homes of every PM2 that was ever seen here."""
    state = _open(stack, host)
    if state is None:
        return ()
    rows = state.query("SELECT key FROM pairs WHERE key LIKE ?", _KEY + "/%/rpc.sock") or []
    state.close()
    return tuple(str(key).removeprefix(_KEY).removesuffix("/rpc.sock") for (key,) in rows)


def _open(stack: Stack, host: Host) -> Kept | None:
    folder = stack.config.state_folder
    view = host.within(host.deadline.remaining(), host.instance)  # that there is none is no evidence
    begins = view.read(f"{folder}/state.db", max_bytes=16)
    if isinstance(begins, Failure) or not begins.startswith(b"SQLite format 3"):
        return None
    from cozydiag.state import open_state

    return open_state(folder)


def _read(value: Any) -> Seen | None:
    try:
        seen = Seen(*value)
        return seen._replace(lines={str(name): str(line) for name, line in seen.lines.items()})
    except (AttributeError, TypeError):  # nothing, or of another version
        return None


def _now(host: Host, manager: Manager, found: tuple[Condition, ...] | Failure) -> Seen:
    listed: Sequence[Condition] = () if isinstance(found, Failure) else found
    pid = host.pid_from_file(f"{_home(manager)}/pm2.pid") if manager.name == "pm2" else None
    daemon = host.process(pid) if pid and listed is found else None
    lines = {one.service.unit: one.command for one in listed if one.command and one.wanted and not one.start_line}
    return Seen(daemon.pid if daemon else 0, host.clock.boot_id(), host.clock.now(), lines)


def _lost(host: Host, manager: Manager, before: Seen | None, now: Seen) -> tuple[Condition, ...]:
    if before is None or manager.name != "pm2" or (now.daemon, now.boot) == (before.daemon, before.boot):
        return ()
    if not now.daemon and now.boot == before.boot:  # ended by somebody; that it was killed is told of the daemon
        return ()
    saved = host.stat(f"{_home(manager)}/dump.pm2")
    if not isinstance(saved, Failure) and saved.st_mtime > before.at:
        return ()
    gone = {name: line for name, line in before.lines.items() if name not in now.lines}
    return tuple(
        Condition(
            Service(manager.name, name, None, None, manager.user),
            State.STOPPED,
            wanted=True,
            instances=(0, 1),
            words="it ran when it was last seen, and is not in the list",
            start_line=line,
        )
        for name, line in gone.items()
    )


def _home(manager: Manager) -> str:
    return manager.place.removesuffix("/rpc.sock")


def _whole(one: Condition, before: Seen | None) -> Condition:
    """A script of forever whose monitor and process are gone: only who saw it knows how it was started."""
    known = before.lines.get(one.service.unit, "") if before and one.start_line and not one.pids else ""
    return one._replace(start_line=known) if known and one.service.manager == "forever" else one
