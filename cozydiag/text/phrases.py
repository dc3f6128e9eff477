"""The words of usual failures (`host.failure.Failure.detail`), which travel as plain English and are translated when
they are shown. Only other languages than English import this."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache


def phrase(template: str, /) -> str:
    """Marks words for translation; what fills their fields is found where they are shown."""
    return template


PHRASES: tuple[str, ...] = (
    phrase("connection refused"),
    phrase("connection reset by peer"),
    phrase("no route to host"),
    phrase("network is unreachable"),
    phrase("permission denied"),
    phrase("operation not permitted"),
    phrase("no such file or directory"),
    phrase("not a directory"),
    phrase("is a directory"),
    phrase("too many levels of symbolic links"),
    phrase("no space left on device"),
    phrase("broken pipe"),
    phrase("read-only file system"),
    phrase("input/output error"),
    phrase("too many open files"),
    phrase("timed out"),
    phrase("cannot assign requested address"),
    phrase("connection timed out"),
    phrase("address already in use"),
    phrase("a handshake without end"),
    phrase("a header contains a control character"),
    phrase("a monitor does not answer"),
    phrase("a null byte in an argument"),
    phrase("a program is named by its name or by its absolute path"),
    phrase("another program"),
    phrase("closed before a full answer"),
    phrase("closed before the handshake had ended"),
    phrase("closed without an answer"),
    phrase("connected, but no answer in time"),
    phrase("did not answer in time"),
    phrase("did not end in time"),
    phrase("it did not end in time"),
    phrase("dockerd is not running, and asking would start it"),
    phrase("does not speak TLS"),
    phrase("dump.pm2 is not what PM2 writes"),
    phrase("nft gave no list of rules"),
    phrase("iptables gave no list of rules"),
    phrase("its list of programs takes too long"),
    phrase("not SMTP: too many words"),
    phrase("postqueue says something unknown"),
    phrase("no MemTotal in /proc/meminfo"),
    phrase("no answer in time"),
    phrase("no certificate"),
    phrase("no connection in time"),
    phrase("no container has run since the machine started"),
    phrase("no dockerd is seen, and asking could start it"),
    phrase("no handshake in time"),
    phrase("no list of instances"),
    phrase("no space is chosen"),
    phrase("not a path"),
    phrase("not a regular file"),
    phrase("not an address"),
    phrase("not an http address"),
    phrase("not logged in"),
    phrase("not asked: it gave no answer before"),
    phrase("other requests there took all the time"),
    phrase("other requests with this login took all the time"),
    phrase("others have waited there in vain"),
    phrase("others waited there in vain already"),
    phrase("systemd does not tell its state"),
    phrase("the answer did not end in time"),
    phrase("the answer does not fit the question"),
    phrase("the answer is no list of apps"),
    phrase("the answer is too long"),
    phrase("the end came before a full answer"),
    phrase("the login has expired"),
    phrase("the login is no longer valid"),
    phrase("the login was refused, and is not tried again"),
    phrase("this Cloud Foundry keeps no logs"),
    phrase("HTTP 401: a user and password are required"),
    phrase("it refuses the password of {path}"),
    phrase("its password is in {path}, closed to this user"),
    phrase("{path} has its password as a hash only, and gives supervisorctl none"),
    phrase("{path} does not say its password"),
    phrase("{path} belongs to somebody else than {name}"),
    phrase("the library apprise is not installed"),
    phrase("apprise could not deliver it"),
    phrase("Caddy's configuration is no JSON object"),
    phrase("the answer is not XML-RPC"),
    phrase("the answer is not Cloud Foundry's"),
    phrase("the answer is not StrongLoop PM's"),
    phrase("notify.apprise[{n}] is no address that apprise knows"),
    phrase("the login is for the space {space}"),
    phrase("HTTP {status} of something else"),
    phrase("PM2 has no {name} in its list"),
    phrase("closed after {part} of {whole} bytes"),
    phrase("`slc ctl log-dump {name}` shows its log and empties it, so it is not read"),
    phrase("forever has no {name}, and does not know how it was started"),
    phrase("the answer is not {program}'s"),
    phrase("its daemon runs (process {pid}), and its socket {socket} is gone"),
    phrase("no container {name}"),
    phrase("no log of {name} is known"),
    phrase("nobody has logged in from {folder}"),
    phrase("supervisord has no program {name}"),
    phrase("the containers of {name} are its own"),
    phrase("the login is for {name}"),
    phrase("the name {name} was not resolved in time"),
    phrase("{name} cannot be executed"),
    phrase("{name} does not exist"),
    phrase("{name} could be changed by others"),
    phrase("{name} does not answer as forever does"),
    phrase("{name} has failed"),
    phrase("{name} has no address"),
    phrase("{name}: no such name"),
    phrase("no such name"),
    phrase("it was not collected"),
    phrase("{name}: not a valid name"),
    phrase("{path} belongs to another user than {name}"),
    phrase("{path} cannot be understood"),
    phrase("{path} is a link of another user"),
    phrase("{name} does not stop"),
    phrase("{name} ends and is started too fast to be stopped"),
    phrase("{name} belongs to another user"),
    phrase("{name} is not a map of stand-ins"),
    phrase("{name} is not private (chmod 600 {path})"),
    phrase("not SMTP: {words}"),
    phrase("no {name}"),
)
"""The kernel's words in small letters, and our own; what has a name in it stands last."""

_FIELD = re.compile(r"\\\{(\w+)\\\}")


def translated(words: str, find: Callable[[str], str]) -> str:
    """``words`` in the language of ``find`` where they are a known phrase; else as they are. A name in one has no blank
    in it, so that a sentence of a log is not taken for one."""
    for template, pattern in _patterns():
        match = pattern.fullmatch(words)
        if match is not None:
            return find(template).format(**match.groupdict())
    return words


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(one, re.compile(_FIELD.sub(r"(?P<\1>\\S+)", re.escape(one)))) for one in PHRASES]
