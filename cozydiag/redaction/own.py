"""What this host itself says is private: the secrets in its files, the names of its sites, machines and people."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cozydiag.config import Config
from cozydiag.couchdb.layout import KINDS
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean
from cozydiag.redaction.redactor import Redactor
from cozydiag.stack import Stack

_BARE = (
    "/etc/cozy/couchdb.login", "/etc/cozy/*.token", "/etc/cozy/*passphrase", "/opt/couchdb/.erlang.cookie",
    "/var/lib/couchdb/.erlang.cookie", "/root/.erlang.cookie",
    "/home/*/.erlang.cookie", "/home/*/.couchdb.login", "/etc/couchdb/.erlang.cookie",
)  # fmt: skip
"""Files that are a secret, line by line."""

_TEXTS = (
    "/etc/cozy/*", "/etc/default/cozy*", "/etc/default/couchdb", "/etc/environment", "/etc/postfix/sasl_passwd",
    "/etc/postfix/sasl/*", "/etc/msmtprc", "/etc/ssmtp/ssmtp.conf", "/etc/exim4/passwd.client", "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf", "/etc/supervisor/conf.d/*", "/etc/supervisor.d/*",
    "/usr/local/etc/supervisord.conf",
    "/etc/nginx/.htpasswd", "/etc/nginx/*htpasswd*", "/etc/nginx/*passwd*", "/etc/nginx/*digest*",
    "/etc/apache2/.htpasswd", "/etc/apache2/*htpasswd*", "/etc/apache2/*digest*",
    "/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/*", "/root/.netrc", "/root/.my.cnf", "/root/.pgpass",
    "/root/.npmrc", "/opt/*/.env", "/srv/*/.env", "/home/*/.env", "/etc/cozydiag/*", "/usr/local/cozy/apps/*/.env",
)  # fmt: skip
"""Files with secrets in them, which the rules find there as they would in a log."""

_MOST = 1 << 18
"""Bytes of a file that are read."""

_FILES = 400


class Own(NamedTuple):
    """``secrets`` are values, ``closed`` the files that this user may not read."""

    secrets: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


def gather(host: Host, stack: Stack) -> Own:
    """Reads the host's own files. Raises nothing for what it meets."""
    learner = Redactor()
    learner.know(stack.masks().secrets)
    read, closed = [], []
    waiting = deque(files(host, stack.config))
    seen = {path for path, _ in waiting}
    while waiting:
        path, bare = waiting.popleft()
        content = host.read(path, max_bytes=_MOST)
        if isinstance(content, Failure):
            closed += [path] if content.kind == "permission" else []
            continue
        read.append(path)
        lines = clean(content, _MOST).splitlines()
        included = [one for one in _included(host, path, lines) if one not in seen]
        seen.update(included)
        waiting += [(one, False) for one in included[:_FILES]]
        login = path == stack.config.couchdb.credentials_file or path.endswith(".login")
        learner.know(_bare(lines, login=login) if bare else ())
        for _ in learner.lines(_unhashed(path, lines)):
            pass
    names = _hosts(host)
    return Own(
        tuple(learner.known.values),
        (*_domains(host, stack), *names),
        names,
        tuple(_users(host)),
        tuple(read),
        tuple(closed),
    )


def patterns(config: Config) -> dict[str, bool]:
    """The files that are looked at, `*` for any name, and whether all of one is secret."""
    couchdb = config.couchdb
    etc = [couchdb.etc] if couchdb.etc else []
    etc += [kind.etc for kind in KINDS if kind.etc not in etc] if config.discover else []
    named = (config.supervisord.conf, config.file.path if config.file else None)
    found = {couchdb.credentials_file: True} | dict.fromkeys(filter(None, named), False)
    for folder in etc:
        found |= {f"{folder}/{name}": False for name in ("*.ini", "local.d/*.ini", "default.d/*.ini", "vm.args")}
    if config.discover:
        found |= dict.fromkeys(_BARE, True) | {path: False for path in _TEXTS if path not in found}
    return found


def files(host: Host, config: Config) -> Iterator[tuple[str, bool]]:
    """Those that may be there. Folders are listed, nothing is opened."""
    seen: set[str] = set()
    for pattern, bare in patterns(config).items():
        for path in _matching(host, pattern):
            if path not in seen and len(seen) < _FILES:
                seen.add(path)
                yield path, bare


def _included(host: Host, path: str, lines: list[str]) -> Iterator[str]:
    """The files that a supervisord.conf takes in: names and patterns, from its own folder on (supervisor options.py,
    read_include_config)."""
    section = ""
    for line in map(str.strip, lines if path.endswith("supervisord.conf") else ()):
        section = line if line.startswith("[") else section
        name, mark, value = line.partition("=")
        if section == "[include]" and mark and name.strip() == "files":
            folder = path.rpartition("/")[0]
            for pattern in value.partition(" ;")[0].replace("%(here)s", folder).split():
                yield from _matching(host, pattern if pattern[0] == "/" else f"{folder}/{pattern}")


def _matching(host: Host, pattern: str) -> Iterable[str]:
    """As a shell's `*` in a folder; names that begin with a dot stand for themselves."""
    from fnmatch import fnmatchcase

    folder, _, name = pattern.rpartition("/")
    folders = _matching(host, folder) if "*" in folder else [folder]
    for one in folders:
        if "*" not in name:
            yield f"{one}/{name}"
            continue
        found = host.listdir(one)
        if not isinstance(found, Failure):
            yield from (f"{one}/{entry}" for entry in found if fnmatchcase(entry, name) and not entry.startswith("."))


def _bare(lines: list[str], *, login: bool) -> Iterator[str]:
    """The lines of a file that is a secret; of a login the user on the first is none."""
    found = [line.strip() for line in lines if line.strip()]
    login = login and len(found) > 1
    yield from found[1:] if login else found
    if login:
        yield ":".join(found[:2])


def _unhashed(path: str, lines: list[str]) -> list[str]:
    """`user:password` in a file of passwords, as it would stand behind a name; other files as they are."""
    name = path.rpartition("/")[2]
    if "digest" in name:
        return [*lines, *(f"password={line.rpartition(':')[2]}" for line in lines if line.count(":") == 2)]
    if "passwd" not in name:
        return lines
    pairs = [line.rpartition(" ")[2].partition(":")[2] for line in lines]
    return [*lines, *(f"password={value}" for value in pairs if value)]


# -- names ---------------------------------------------------------------------------------------------------


def _domains(host: Host, stack: Stack) -> Iterator[str]:
    from cozydiag.host import GivenUp

    yield from (site.host for site in stack.config.sites)
    try:
        yield from (site.host for site in stack.source("sites")(host).items)
    except GivenUp:
        pass
    if stack.config.discover:
        live = host.listdir("/etc/letsencrypt/live")
        yield from (name for name in ([] if isinstance(live, Failure) else live) if "." in name)
        yield from _words(host, "/etc/mailname")[:1]


def _hosts(host: Host) -> tuple[str, ...]:
    """The names of this machine: its own, and those that `/etc/hosts` gives it."""
    import os

    names = [os.uname().nodename, *_words(host, "/etc/hostname")[:1]]
    content = host.read("/etc/hosts", max_bytes=_MOST)
    if isinstance(content, bytes):
        for line in clean(content, _MOST).splitlines():
            address, *said = line.partition("#")[0].split() or [""]
            names += said if address.startswith("127.0.1.") else []
    return tuple(dict.fromkeys(names))


def _users(host: Host) -> Iterator[str]:
    """People: accounts from 1000 on (login.defs, UID_MIN), by login and by full name."""
    content = host.read("/etc/passwd", max_bytes=_MOST)
    for line in clean(content, _MOST).splitlines() if isinstance(content, bytes) else ():
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isdigit() and 1000 <= int(fields[2]) < 60000:
            yield fields[0]
            full = fields[4].partition(",")[0].strip()
            if " " in full and len(full) > 5:
                yield full


def _words(host: Host, path: str) -> list[str]:
    content = host.read(path, max_bytes=4096)
    return [] if isinstance(content, Failure) else clean(content, 4096).split()
