"""The machine under it all. Each check reads a file or two; `cozydiag.machine` looks closer where these are strange."""

from typing import NamedTuple

from cozydiag.api import (
    Bytes,
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Mount,
    Percent,
    Stack,
    When,
    check,
    fail,
    ok,
    plural,
    skip,
    t,
    unknown,
    warn,
)

MIB = 1 << 20
GIB = 1 << 30


class DiskOptions(NamedTuple):
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


class MemoryOptions(NamedTuple):
    """Bytes that must be available. 60 MiB: below that home starts no app (cozy-home-v2 memory.coffee)."""

    warn_available: int = 60 * MIB


@check("host.memory", t("There is memory left"), role="host", options=MemoryOptions)
def memory(host: Host, stack: Stack, options: MemoryOptions) -> Iterator[Finding]:
    seen = host.memory()
    if isinstance(seen, Failure):
        yield unknown("host.memory_unknown", t("memory could not be looked at: {why}", why=seen.detail))
        return
    free, total = Bytes(seen.available), Bytes(seen.total)
    if seen.available < options.warn_available:
        yield warn(
            "host.memory_low",
            t("only {free} of {total} memory are left", free=free, total=total),
            t("Stop what is not needed, or add swap: the next thing that starts may be killed."),
            role="host",
            by_hand=_MEMORY,
            restart_helps=False,
        )
    elif seen.swap_free * 10 < seen.swap_total and seen.available * 10 < seen.total:  # old pages in swap are no matter
        yield warn(
            "host.swap_full",
            t("swap is used up, and only {free} of {total} memory are left", free=free, total=total),
            t("Stop what is not needed, or add memory: the kernel will soon kill something."),
            role="host",
            by_hand=_MEMORY,
            restart_helps=False,
        )
    else:
        yield ok(t("{free} of {total} memory are left", free=free, total=total))


_MEMORY = "free -m; ps aux --sort=-rss | head"


# -- what is looked at where things may be discovered: nobody names them in a configuration -----------------


def _number(host: Host, path: str, field: int = 0) -> int | None:
    """A number of the kernel's; None where it gives none."""
    content = host.read(path, max_bytes=4096)
    words = [] if isinstance(content, Failure) else content.split()[field : field + 1]
    return int(words[0]) if words and words[0].isdigit() else None


@check("host.oom", t("The kernel kills nothing for want of memory"), role="host")
def oom(host: Host, stack: Stack) -> Iterator[Finding]:
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
        return
    counters = host.read("/proc/vmstat", max_bytes=1 << 16)
    number = b"" if isinstance(counters, Failure) else counters.partition(b"\noom_kill ")[2].partition(b"\n")[0]
    if not number.isdigit():
        yield skip(t("this kernel does not count"))
    elif number == b"0":
        yield ok(t("nothing was killed for want of memory"))
    else:
        from cozydiag.machine import memory as closer

        yield closer.kills(host, int(number))


_LEFT_OUT = t("only what the configuration names is looked at")


@check("host.load", t("The processors keep up"), role="host")
def load(host: Host, stack: Stack) -> Iterator[Finding]:
    """Four times as many that want to run as there are processors, now and over five minutes, is a lot."""
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
        return
    content = host.read("/proc/loadavg", max_bytes=256)
    words = [] if isinstance(content, Failure) else content.split()
    online = host.read("/sys/devices/system/cpu/online", max_bytes=4096)
    try:
        now, minutes = float(words[0]), float(words[1])
        cores = 0 if isinstance(online, Failure) else sum(map(_cores, online.split(b",")))
    except (ValueError, IndexError):
        cores, now, minutes = 0, 0.0, 0.0
    if cores < 1:
        yield skip(t("the load cannot be seen"))
    elif min(now, minutes) > 4 * cores:
        from cozydiag.machine import load as closer

        yield closer.too_high(host, words[1].decode(), cores)
    else:
        yield ok(t("the load is {load} on {n} processors", load=words[1].decode(), n=cores))


def _cores(span: bytes) -> int:
    """`0-3` or `5`."""
    first, _, last = span.partition(b"-")
    return int(last or first) - int(first) + 1


@check("host.descriptors", t("Nobody runs out of open files"), role="host")
def descriptors(host: Host, stack: Stack) -> Iterator[Finding]:
    """The machine as a whole, and the services whose process is known."""
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
        return
    used, most = _number(host, "/proc/sys/fs/file-nr"), _number(host, "/proc/sys/fs/file-nr", 2)
    found = False
    if used is not None and most and used * 10 > most * 9:
        found = True
        yield fail(
            "host.files_used_up",
            t("the machine has {used} files open, and may have {most}", used=used, most=most),
            t("See who has so many open. The limit is fs.file-max of sysctl."),
            role="host",
            by_hand="sudo lsof -n | awk '{print $1}' | sort | uniq -c | sort -rn | head",
            restart_helps=False,
        )
    for name, role, service, pid in _known(host, stack):
        seen = host.descriptors(pid)
        if seen is not None and seen.used * 10 > seen.limit * 9:
            found = True
            yield warn(
                "service.file_descriptors",
                t("{name} has {used} files and connections open, and may have {most}",
                  name=name, used=seen.used, most=seen.limit),
                t("Raise its limit (LimitNOFILE of systemd, minfds of supervisord), or find what it does not close."),
                role=role,
                service=service,
                by_hand=f"sudo ls -l /proc/{pid}/fd | tail",
                restart_helps=None,
            )  # fmt: skip
    if used is None:
        yield skip(t("the open files cannot be seen"))
    elif not found:
        yield ok(plural("{n} file is open", "{n} files are open", n=used))


def _known(host: Host, stack: Stack) -> Iterator[tuple[str, str | None, str, int]]:
    """Name, role, service and process of what a manager runs."""
    programs = stack.supervisor(host)
    for program in () if isinstance(programs, Failure) else programs.programs:
        if program.pid:
            yield program.name, program.role, program.service, program.pid
    for owned in stack.owned(host):
        for one in () if isinstance(owned.services, Failure) else owned.services:
            for pid in one.pids[:1]:
                yield one.service.unit, one.role, one.service.address, pid


@check("host.clock", t("The clock is right"), role="host")
def clock(host: Host, stack: Stack) -> Iterator[Finding]:
    """Whatever has been written lies in the past. Who keeps the clock is asked where nobody says that he does."""
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
        return
    written = [(seen.st_mtime, path) for path in _WRITTEN if not isinstance(seen := host.stat(path), Failure)]
    latest, path = max(written, default=(0.0, ""))
    if latest > host.clock.now() + 3600:
        yield fail(
            "host.clock_wrong",
            t("the clock is wrong: it says {now}, and {path} was written at {then}",
              now=When(host.clock.now()), path=path, then=When(latest)),
            t("Set it. With a wrong clock no certificate is valid, neither here nor elsewhere."),
            role="host",
            by_hand="sudo timedatectl set-ntp true; timedatectl",
            restart_helps=False,
        )  # fmt: skip
    elif not isinstance(host.stat("/run/systemd/timesync/synchronized"), Failure):
        yield ok(t("the clock is kept right"))
    else:
        from cozydiag.machine import clock as closer

        yield closer.kept(host)


_WRITTEN = ("/var/lib/systemd/timesync/clock", "/var/lib/dpkg/status", "/etc", "/var/log", "/etc/cozy")


@check("host.packages", t("Packages are installed as a whole"), role="host")
def packages(host: Host, stack: Stack) -> Iterator[Finding]:
    content: bytes | Failure = Failure("missing", "")
    if stack.config.discover:
        content = host.read("/var/lib/dpkg/status", max_bytes=32 << 20)
    if isinstance(content, Failure):
        yield skip(t("there is no dpkg here") if stack.config.discover else _LEFT_OUT)
        return
    locks, lock = host.read("/proc/locks", max_bytes=1 << 18), host.stat("/var/lib/dpkg/lock-frontend")
    held = isinstance(locks, bytes) and not isinstance(lock, Failure) and b":%d " % lock.st_ino in locks
    updates = host.listdir("/var/lib/dpkg/updates")
    cut = not isinstance(updates, Failure) and any(name.isdigit() for name in updates)
    finding = None
    if held or cut or b" half-" in content or b" ok unpacked" in content:  # the list has megabytes
        from cozydiag.machine import packages as closer

        finding = closer.look(host, content, locks if isinstance(locks, bytes) else b"", cut=cut)
    if finding is not None:
        yield finding
    elif content.startswith(b"Package: "):
        yield ok(t("all packages are installed as a whole"))
    else:
        yield skip(t("dpkg has no list of packages"))


@check("host.reboot", t("The machine runs what is installed"), role="host")
def reboot(host: Host, stack: Stack) -> Iterator[Finding]:
    """A restart may wait for a quiet hour, but not for weeks (Debian's update-notifier and unattended-upgrades)."""
    asked = host.stat("/run/reboot-required") if stack.config.discover else Failure("missing", "")
    if isinstance(asked, Failure):
        yield skip(t("no restart of the machine is asked for") if stack.config.discover else _LEFT_OUT)
    elif host.clock.now() - asked.st_mtime < 7 * 86400:
        yield ok(t("the machine should be restarted some time: it was asked for at {when}", when=When(asked.st_mtime)))
    else:
        yield warn(
            "host.reboot",
            t("the machine has waited for a restart since {when}", when=When(asked.st_mtime)),
            t("Restart it when it suits: until then old, perhaps insecure programs go on running."),
            role="host",
            by_hand="cat /run/reboot-required.pkgs",
            restart_helps=False,
        )


@check("host.units", t("systemd has started all that it should"), role="host")
def units(host: Host, stack: Stack) -> Iterator[Finding]:
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
    elif isinstance(host.stat("/run/systemd/system"), Failure):
        yield skip(t("systemd is not in charge here"))
    else:
        from cozydiag.machine import units as closer

        services = [owned.services for owned in stack.owned(host) if owned.manager.name == "systemd"]
        told = {one.service.unit for some in services if not isinstance(some, Failure) for one in some}
        yield from closer.state(host, told)


@check("host.hardware", t("Disks, cards and power are well"), role="host")
def hardware(host: Host, stack: Stack) -> Iterator[Finding]:
    """ext4 counts errors on any machine; of a Raspberry Pi the kernel's words are read as well."""
    if not stack.config.discover:
        yield skip(_LEFT_OUT)
        return
    devices = host.listdir("/sys/fs/ext4")
    names = [] if isinstance(devices, Failure) else devices
    counted = {name: n for name in names if (n := _number(host, f"/sys/fs/ext4/{name}/errors_count")) is not None}
    model = host.read("/proc/device-tree/model", max_bytes=256)
    pi = not isinstance(model, Failure) and model.startswith(b"Raspberry Pi")
    found = []
    if pi or any(counted.values()):
        from cozydiag.machine import hardware as closer

        found = [closer.file_system(host, name, number) for name, number in counted.items() if number]
        found += closer.card(host) if pi else ()
    yield from found
    if not counted and not pi:
        yield skip(t("nothing here counts its errors"))
    elif not found:
        yield ok(t("no disk has counted an error"))


@check("host.resolver", t("Names can be resolved"), role="host")
def resolver(host: Host, stack: Stack) -> Iterator[Finding]:
    """Any answer is one, and be it that there is no such name."""
    content = host.read("/etc/resolv.conf", max_bytes=1 << 16) if stack.config.discover else b""
    lines = [] if isinstance(content, Failure) else map(bytes.split, content.splitlines())
    servers = [words[1].decode("ascii", "replace") for words in lines if words[:1] == [b"nameserver"] and words[1:]]
    if not servers:
        yield skip(t("no server for names is configured") if stack.config.discover else _LEFT_OUT)
    elif not any(server.startswith("127.") or server == "::1" or host.way_out(server) for server in servers):
        yield skip(t("no way leads to the server for names: this machine is not on a network"))
    elif isinstance(seen := host.resolve("example.com"), Failure) and seen.kind != "name":
        yield warn(
            "host.resolver",
            t("names cannot be resolved: {server} gives no answer", server=servers[0]),
            t("Mail, updates and certificates need it. See whether that server is the right one, and whether it runs."),
            role="host",
            proof=Evidence("example.com", seen.detail),
            by_hand="resolvectl status || cat /etc/resolv.conf; getent ahosts example.com",
            restart_helps=False,
        )
    else:
        yield ok(t("names are resolved by {server}", server=servers[0]))
