"""Command lines, as `ps`, sudo, cron and the journal have them: what follows which option is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_elsewhere, is_none

_BREAK = r"(?:[ \t]{1,4}|[\"'][ \t]?,[ \t]?(?=[\"']))"
_VALUE = r"(?P<value>\"(?:\\.|[^\"\\])*|'[^']*|[^\s\"'|;,][^\s|;]*)"


class Command(NamedTuple):
    """After one of the ``words``, what ``option`` finds is secret. A value that begins with ``-`` is an option."""

    words: tuple[str, ...]
    option: re.Pattern[str]


def _command(words: str, option: str) -> Command:
    return Command(tuple(words.split()), re.compile(option))


_COMMANDS = (
    _command("mysql mariadb mydumper mytop percona innobackupex", rf"(?<=[\s\"'])(?:-p|--password=)(?!\s){_VALUE}"),
    _command("sshpass", rf"(?<=[\s\"'])-p(?:{_BREAK})?{_VALUE}"),
    _command("redis-cli keydb-cli valkey-cli", rf"(?<=[\s\"'])(?:-a|--pass){_BREAK}{_VALUE}"),
    _command("curl wget http https httpie xh aria2c", rf"(?<=[\s\"'])(?:-[a-zA-Z]*u|--user|-U|--proxy-user|-a|--auth)(?:=|{_BREAK})?[\"']?[\w.@+-]{{1,100}}:{_VALUE}"),
    _command("htpasswd", rf"(?<=\s)-[a-zA-Z0-9]*b[a-zA-Z0-9]*\s+(?:-\S+\s+)*(?:\S+\s+){{1,2}}?{_VALUE}\s*(?=$|[|;)&])"),
    _command("ldapsearch ldapmodify ldapadd ldappasswd ldapwhoami ldapdelete", rf"(?<=[\s\"'])-[ws]{_BREAK}{_VALUE}"),
    _command("smbclient rpcclient smbget net", rf"(?<=[\s\"'])-U{_BREAK}?[\"']?[\w.\\/@-]{{1,100}}%{_VALUE}"),
    _command("mosquitto_pub mosquitto_sub unzip zip ipmitool", rf"(?<=[\s\"'])-P(?:{_BREAK})?{_VALUE}"),
    _command("mongo mongosh mongodump mongorestore mongoexport docker podman buildah skopeo tsql xfreerdp vault kinit", rf"(?<=[\s\"'])(?:-p{_BREAK}|/p:){_VALUE}"),
    _command("7z 7za 7zr rar unrar", rf"(?<=[\s\"'])-h?p{_VALUE}"),
    _command("openssl", rf"(?<=[\s\"'])-(?:k|K|hmac|macopt){_BREAK}(?:key:|hexkey:)?{_VALUE}"),
    _command("openssl keytool", rf"\bpass:{_VALUE}"),
    _command("keytool", rf"(?<=\s)-(?:store|key|new|deststore|srcstore)pass{_BREAK}{_VALUE}"),
    _command("rabbitmqctl", rf"\b(?:add_user|change_password|authenticate_user)\s+\S+\s+{_VALUE}"),
    _command("useradd usermod", rf"(?<=[\s\"'])-p{_BREAK}{_VALUE}"),
    _command("chpasswd", r"echo\s+(?:-\S+\s+)?[\"']?[\w.-]{1,64}:(?P<value>[^\s\"'|]+)"),
    _command("sudo passwd su cryptsetup chpasswd", r"(?:echo|printf)\s+(?:-\S+\s+)?(?P<value>\"[^\"]+|'[^']+|[^\s\"'|:]+)[\"']?\s*\|\s*(?:sudo\s+(?:-\S+\s+)*-[a-zA-Z]*S|(?:sudo\s+)?(?:passwd|cryptsetup|su)\b)"),
    _command("lftp", rf"(?<=\s)-u{_BREAK}[\w.@-]{{1,100}},{_VALUE}"),
    _command("snmpwalk snmpget snmpset snmpbulkwalk", rf"(?<=\s)-[cAX]{_BREAK}{_VALUE}"),
    _command("aws npm git composer gem pip twine poetry gh glab hub flyctl heroku doctl", rf"\b(?:config|auth|login)\b.{{0,80}}?(?:secret|token|passw|auth)[\w.:/-]{{0,80}}(?:=|{_BREAK}){_VALUE}"),
    _command("smtp swaks msmtp mutt sendemail", rf"(?<=\s)-(?:ap|xp){_BREAK}{_VALUE}"),
    _command("wpa_passphrase", rf"wpa_passphrase\s+\S+\s+{_VALUE}"),
    _command("curl", rf"_config/admins/[\w.@-]{{1,100}}.{{0,200}}?(?:-d|--data\S{{0,10}}){_BREAK}?[\"']?[\\\"']{{0,3}}(?P<value>[^\"'\\\s]+)"),
)  # fmt: skip

_LONG_OPTION = re.compile(
    rf"(?<![\w-])--?(?:[\w-]{{0,40}}?(?:passw(?:or)?d|passphrase|passwd|secret|token|api-?key|access-?key|secret-?key|private-?key|auth-?key|encryption-?key|credentials?|cookie-secret|setcookie|session-key|jwt|psk)|pass|setcookie|pw|pwd)(?:=|{_BREAK}){_VALUE}",
    re.IGNORECASE,
)
_ADMIN = re.compile(r"_config/admins/[\w.@-]{1,100}[\s,:=]{1,4}\"?\\?\"(?P<value>[^\"\\]+)")


def _options(line: str, low: str) -> Iterator[Span]:
    for found in _LONG_OPTION.finditer(line):
        yield from _value(found)


def _commands(line: str, low: str) -> Iterator[Span]:
    for command in _COMMANDS:
        start = _after(low, command.words)
        if start >= 0:
            for found in command.option.finditer(line, start):
                yield from _value(found)


def _after(low: str, words: tuple[str, ...]) -> int:
    """Where the first of these commands stands, -1 where there is none."""
    places = [low.find(word) for word in words]
    return min((place for place in places if place >= 0), default=-1)


def _value(found: re.Match[str]) -> Iterator[Span]:
    start, end = found.span("value")
    value = found.string[start:end]
    if value[:1] in "\"'":
        start += 1
        value = value[1:]
    else:
        value = value.rstrip(")]},") if not value.startswith("(") else value
        value = value.rstrip("\"'") if found.string[max(0, start - 1) : start] in ("\"", "'") else value
        end = start + len(value)
    if value.startswith("-") and found.string[start - 1 : start] in (" ", "\t"):
        return
    if value and not is_none(value) and not is_elsewhere(value):
        yield Span(start, end)


def _words() -> tuple[str, ...]:
    return tuple(sorted({word for command in _COMMANDS for word in command.words}))


RULES = (
    Rule(("-pass", "-secret", "-token", "key", "credential", "-setcookie", "jwt", "-psk", "-pw", "passw", "passphrase", "secret", "token"), _options),
    Rule(tuple(word for word in _words() if word not in ("http", "https", "su", "net", "smtp", "git", "hub", "gh", "pip", "aws", "gem")) + (" -u", " -a", "--auth", "config", "login", " -xp", " -ap", "auth"), _commands),
)
