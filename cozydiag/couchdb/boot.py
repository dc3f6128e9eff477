"""Why a CouchDB that is down did not come up: the last words of its virtual machine, on stderr or in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cozydiag.couchdb import access, layout, logs
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.stack import Stack
from cozydiag.text import Text, t

_OF_A_START = ("BACKOFF", "FATAL", "EXITED", "STARTING")
"""States of supervisord in which the last words of a program are those of a start that failed."""


class Ill(NamedTuple):
    """What to say of a failed start. ``restart_helps`` False: the next start would fail in the same way."""

    code: str
    text: Text
    advice: Text
    restart_helps: bool | None = False


def trouble(stack: Stack, host: Host) -> logs.Trouble | None:
    """Why the last start failed; None while something listens at the address, or where nothing tells."""
    if layout.is_local(host, stack.config) and host.listeners(stack.config.couchdb.address[1]):
        return None
    section = access.log(stack, host)
    own = section if isinstance(section, bytes) and not logs.has_listened(section) else b""
    found = logs.boot_failures(own, _stderr(stack, host), _crash_dump(stack, host))
    if not found:
        found = logs.boot_failures(_kernel(host))
    return found[0] if found else None


def _stderr(stack: Stack, host: Host) -> bytes:
    """What came on stderr in the last start: kept by supervisord or by the journal."""
    program = stack.program(host, "couchdb")
    if program is not None:
        from cozydiag.managers import supervisord

        if program.statename not in _OF_A_START:
            return b""
        return "\n".join(supervisord.log_tail(host, stack.socket(host), program)).encode()
    kept = access.told(stack, host, 80)
    if isinstance(kept, bytes):
        return _last_start(kept.decode("utf-8", "replace").splitlines())
    place = access.place(stack, host)
    if place is None or isinstance(host.stat("/run/systemd/system"), Failure):
        return b""
    from cozydiag.managers import journal

    lines = journal.tail(host, place.unit, 80)
    return b"" if isinstance(lines, Failure) else _last_start(lines)


def _last_start(lines: list[str]) -> bytes:
    """From the line on in which systemd says that it starts the unit, where there is one."""
    starts = [number for number, line in enumerate(lines) if line.startswith(("Started ", "Starting "))]
    return "\n".join(lines[starts[-1] if starts else 0 :]).encode()


_RECENT = 3600.0
"""Seconds for which what the virtual machine or the kernel left behind counts."""


def _crash_dump(stack: Stack, host: Host) -> bytes:
    """The slogan of the dump that a dying virtual machine leaves (erl_crash.dump, in the folder it was started in)."""
    place = access.place(stack, host)
    if place is None:
        return b""
    for folder in (place.data, place.etc.rpartition("/")[0]):
        path = f"{folder}/erl_crash.dump"
        seen = host.stat(path) if folder else Failure("missing", "")
        if not isinstance(seen, Failure) and host.clock.now() - seen.st_mtime < _RECENT:
            content = host.read(path, max_bytes=2048, follow=False)
            return content if isinstance(content, bytes) else b""
    return b""


def _kernel(host: Host) -> bytes:
    """What the kernel ended in the last hour for want of memory: CouchDB itself writes no line then."""
    if isinstance(host.stat("/run/systemd/system"), Failure):
        return b""
    argv = ("journalctl", "-k", "-q", "--no-pager", "-o", "cat", "--since=-1h", "--grep=Killed process", "-n", "50")
    done = host.run(argv)
    return b"" if isinstance(done, Failure) or done.code else done.stdout


MEANINGS: Final[Mapping[str, Callable[[str], Ill]]] = {
    "no_admin": lambda _: Ill(
        "couchdb.no_admin",
        t("CouchDB does not start: it has no administrator"),
        t("Write one into the section admins of a file in its folder local.d: `name = password`. From 3.0 on there "
          "is no CouchDB without one; it replaces the password by a hash when it starts."),
    ),
    "monster": lambda _: Ill(
        "couchdb.cookie_monster",
        t("CouchDB does not start: its Erlang cookie is still the one that everybody knows"),
        t("Write a long random word after -setcookie in vm.args. From 3.2.2 on `monster` is refused: with it anybody "
          "who reaches the Erlang port commands CouchDB (CVE-2022-24706)."),
    ),
    "javascript_missing": lambda path: Ill(
        "couchdb.javascript_missing",
        t("CouchDB does not start: its JavaScript program {path} is missing", path=path),
        t("Install CouchDB's package again: it brings that program."),
    ),
    "cookie_file": lambda path: Ill(
        "couchdb.cookie_file",
        t("CouchDB does not start: it cannot use its cookie file {path}", path=path),
        t("The file must belong to CouchDB's user and be closed to all others (chmod 400), and its folder must be "
          "that user's own."),
    ),
    "name_in_use": lambda name: Ill(
        "couchdb.node_name_in_use",
        t("CouchDB does not start: another CouchDB, or a rest of one, runs as {name}", name=name),
        t("Look for a second beam.smp (`ps -C beam.smp -f`) and end it in an orderly way; this is no clash of ports."),
    ),
    "name": lambda _: Ill(
        "couchdb.node_name",
        t("CouchDB does not start: its node name cannot be used"),
        t("See -name in vm.args: it must be name@host, where host is an address or has a dot in it. Whoever changes "
          "it on a server that has data must put the old one back: databases belong to the name."),
    ),
    "port_taken": lambda _: Ill(
        "service.port_taken",
        t("CouchDB does not start: another program has its port"),
        t("End that program or move it; only then start CouchDB."),
    ),
    "address": lambda _: Ill(
        "couchdb.address",
        t("CouchDB does not start: the address in bind_address is not one of this machine"),
        t("Correct bind_address in the section chttpd: an address alone, without a port."),
    ),
    "port": lambda port: Ill(
        "couchdb.port",
        t("CouchDB does not start: {port} is not a port", port=repr(port)),
        t("Correct `port` in the section chttpd."),
    ),
    "port_closed": lambda _: Ill(
        "couchdb.port_closed",
        t("CouchDB does not start: its user may not listen at its port"),
        t("Ports below 1024 are root's: write 5984 or another one above into the section chttpd, and let nginx stand "
          "before it."),
    ),
    "flag": lambda flag: Ill(
        "couchdb.vm_args",
        t("CouchDB does not start: Erlang does not know {flag} in vm.args", flag=flag),
        t("Correct that line of vm.args: a cookie or a name with blanks or quotes in it falls apart into flags. "
          "Letters and digits need no quotes."),
    ),
    "killed": lambda pid: Ill(
        "couchdb.out_of_memory",
        t("CouchDB was ended by the kernel, because the machine had no memory left (process {pid})", pid=pid),
        t("Start it again, then see what took the memory: very large documents, many clients, or other programs."),
        restart_helps=True,
    ),
    "config": lambda _: Ill(
        "couchdb.config_unreadable",
        t("CouchDB does not start: it cannot read one of its configuration files"),
        t("Every .ini file, and the folders above it, must be readable by CouchDB's user."),
    ),
    "log": lambda _: Ill(
        "couchdb.log_unwritable",
        t("CouchDB does not start: it cannot write its log"),
        t("The folder of the log must exist and be writable by CouchDB's user (`file` in the section log)."),
    ),
    "data_unreadable": lambda _: Ill(
        "couchdb.data_unreadable",
        t("CouchDB does not start: it may not open the files in its data folder"),
        t("Give the data folder and all in it back to CouchDB's user (chown -R); copy nothing over it."),
    ),
    "data_read_only": lambda _: Ill(
        "couchdb.read_only",
        t("CouchDB does not start: its data folder is on a read-only file system"),
        t("Read `dmesg`: after disk errors the kernel does this. Make a copy of the data before anything else."),
    ),
    "data_full": lambda _: Ill(
        "couchdb.disk_full",
        t("CouchDB does not start: there is no room on the disk of its data"),
        t("Make room first; nothing else helps."),
    ),
    "data_missing": lambda _: Ill(
        "couchdb.data_missing",
        t("CouchDB does not start: its data folder is not there"),
        t("Mount it, or correct database_dir. Do not make an empty folder in its place: CouchDB would start without "
          "any of the databases."),
    ),
    "memory": lambda size: Ill(
        "couchdb.out_of_memory",
        t("CouchDB ended for want of memory: {size} bytes more could not be had", size=size),
        t("Start it again, then see what took the memory: very large documents, many clients, or other programs."),
        restart_helps=True,
    ),
    "other": lambda layer: Ill(
        "couchdb.start_failed",
        t("CouchDB does not start: its part {layer} fails", layer=layer),
        t("Read the last lines on its stderr: `journalctl -u couchdb`, `docker logs`, or supervisord's log of it."),
        restart_helps=None,
    ),
}  # fmt: skip
