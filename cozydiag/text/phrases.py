"""The words of usual failures (`host.failure.Failure.detail`), which travel as plain English and are translated when
they are shown. Only other languages than English import this."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from cozydiag.text import Text, t

PHRASES: tuple[Text, ...] = (
    # the kernel's own, in small letters
    t("connection refused"), t("connection reset by peer"), t("no route to host"), t("network is unreachable"),
    t("permission denied"), t("operation not permitted"), t("no such file or directory"), t("not a directory"),
    t("is a directory"), t("too many levels of symbolic links"), t("no space left on device"), t("broken pipe"),
    t("read-only file system"), t("input/output error"), t("too many open files"), t("timed out"),
    t("cannot assign requested address"), t("connection timed out"), t("address already in use"),
    # ours
    t("a handshake without end"), t("a header contains a control character"), t("a monitor does not answer"),
    t("a null byte in an argument"), t("a program is named by its name or by its absolute path"),
    t("another program"), t("closed before a full answer"), t("closed before the handshake had ended"),
    t("closed without an answer"), t("connected, but no answer in time"), t("did not answer in time"),
    t("did not end in time"), t("it did not end in time"), t("dockerd is not running, and asking would start it"),
    t("does not speak TLS"), t("dump.pm2 is not what PM2 writes"), t("nft gave no list of rules"),
    t("no MemTotal in /proc/meminfo"), t("no answer in time"), t("no certificate"), t("no connection in time"),
    t("no container has run since the machine started"), t("no dockerd is seen, and asking could start it"),
    t("no handshake in time"), t("no list of instances"), t("no space is chosen"), t("not a path"),
    t("not a regular file"), t("not an address"), t("not an http address"), t("not logged in"),
    t("not asked: it gave no answer before"), t("other requests there took all the time"),
    t("other requests with this login took all the time"), t("others have waited there in vain"),
    t("others waited there in vain already"), t("systemd does not tell its state"),
    t("the answer did not end in time"), t("the answer does not fit the question"), t("the answer is no list of apps"),
    t("the answer is too long"), t("the end came before a full answer"), t("the login has expired"),
    t("the login is no longer valid"), t("the login was refused, and is not tried again"),
    t("this Cloud Foundry keeps no logs"), t("HTTP 401: a user and password are required"),
    t("the library apprise is not installed"), t("apprise could not deliver it"),
    t("notify.apprise[{n}] is no address that apprise knows"),
    t("Caddy's configuration is no JSON object"), t("the login is for the space {space}"),
    t("HTTP {status} of something else"), t("PM2 has no {name} in its list"), t("closed after {part} of {whole} bytes"),
    t("`slc ctl log-dump {name}` shows its log and empties it, so it is not read"),
    t("forever has no {name}, and does not know how it was started"), t("the answer is not {program}'s"),
    t("its daemon runs (process {pid}), and its socket {socket} is gone"), t("no container {name}"),
    t("no log of {name} is known"), t("nobody has logged in from {folder}"), t("supervisord has no program {name}"),
    t("the containers of {name} are its own"), t("the login is for {name}"), t("the answer is not XML-RPC"),
    t("the answer is not Cloud Foundry's"),
    t("the answer is not StrongLoop PM's"),
    t("the name {name} was not resolved in time"), t("{name} cannot be executed"), t("{name} does not exist"),
    t("{name} could be changed by others"), t("{name} does not answer as forever does"), t("{name} has failed"),
    t("{name} has no address"), t("{name}: no such name"), t("{name}: not a valid name"),
    t("{path} belongs to another user than {name}"), t("{path} cannot be understood"), t("{name} does not stop"),
    t("{name} ends and is started too fast to be stopped"), t("no {name}"),
)  # fmt: skip
"""What has a name in it stands last, so that a fixed phrase is preferred."""

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
    return [(one.template, re.compile(_FIELD.sub(r"(?P<\1>\\S+)", re.escape(one.template)))) for one in PHRASES]
