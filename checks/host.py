"""The machine under it all: room on the disks, memory."""

from __future__ import annotations

from dataclasses import dataclass

from cozydiag.api import (
    Bytes,
    Failure,
    Finding,
    Host,
    Iterator,
    Mount,
    Percent,
    Stack,
    check,
    fail,
    ok,
    t,
    unknown,
    warn,
)

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class DiskOptions:
    """Limits for ``host.disk``: percent full that is a warning, and the bytes that must be free in any case."""

    warn_percent: float = 90.0
    plenty: int = 5 * GIB  # with so much left, a high percentage is no matter
    fail_free: int = 64 * MIB


@check("host.disk", t("There is room on the disks"), each="mounts", role="host", options=DiskOptions)
def disk(host: Host, stack: Stack, mount: Mount, options: DiskOptions) -> Iterator[Finding]:
    seen = host.disk(mount.path)
    if isinstance(seen, Failure):
        yield unknown("host.disk_unknown", t("{path} could not be looked at: {why}", path=mount.path, why=seen.detail))
        return
    by_hand = f"df -h {mount.path}; df -i {mount.path}"
    free = Bytes(seen.available)
    if seen.read_only:
        yield fail(
            "host.read_only",
            t("{mount} is read-only: nothing can be written", mount=mount.mount),
            t("The kernel does this after disk errors. Read `dmesg`, make a copy of the data, check the disk."),
            role="host",
            by_hand="findmnt -o TARGET,OPTIONS; sudo dmesg | tail -n 50",
            restart_helps=False,
        )
    elif seen.available < options.fail_free:
        yield fail(
            "host.disk_full",
            t(
                "{mount} is full: {free} left ({percent} used)",
                mount=mount.mount,
                free=free,
                percent=Percent(seen.percent),
            ),
            t("Make room first; nothing else helps. Old logs and uncompacted databases are the usual reason."),
            role="host",
            by_hand=by_hand,
            restart_helps=False,
        )
    elif seen.inodes and seen.inodes_free < max(100, seen.inodes // 1000):
        yield fail(
            "host.inodes",
            t("{mount} has no room for more files ({n} left)", mount=mount.mount, n=seen.inodes_free),
            t("Delete folders with very many small files, such as old caches and sessions."),
            role="host",
            by_hand=by_hand,
            restart_helps=False,
        )
    elif seen.percent >= options.warn_percent and seen.available < options.plenty:
        yield warn(
            "host.disk_nearly_full",
            t("{mount} is {percent} full: {free} left", mount=mount.mount, percent=Percent(seen.percent), free=free),
            t("Make room soon."),
            role="host",
            by_hand=by_hand,
            restart_helps=False,
        )
    else:
        yield ok(t("{mount}: {free} left", mount=mount.mount, free=free))


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """Bytes that must be available. 60 MiB: below that home starts no app (cozy-home-v2 memory.coffee)."""

    warn_available: int = 60 * MIB


@check("host.memory", t("There is memory left"), role="host", options=MemoryOptions)
def memory(host: Host, stack: Stack, options: MemoryOptions) -> Iterator[Finding]:
    seen = host.memory()
    if isinstance(seen, Failure):
        yield unknown("host.memory_unknown", t("memory could not be looked at: {why}", why=seen.detail))
    elif seen.available < options.warn_available:
        yield warn(
            "host.memory_low",
            t("only {free} of {total} memory are left", free=Bytes(seen.available), total=Bytes(seen.total)),
            t("Stop what is not needed, or add swap: the next thing that starts may be killed."),
            role="host",
            by_hand="free -m; ps aux --sort=-rss | head",
            restart_helps=False,
        )
    else:
        yield ok(t("{free} of {total} memory are left", free=Bytes(seen.available), total=Bytes(seen.total)))
