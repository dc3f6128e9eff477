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
    _command("curl wget httpie xh aria2c", rf"(?<=[\s\"'])(?:-[a-zA-Z]*u|--user|-U|--proxy-user|-a|--auth)(?:="
                                           rf"|{_BREAK})?(?![\"'])[\w.@+-]{{1,100}}:{_VALUE}"),
    _command("curl wget httpie xh aria2c", rf"(?<=[\s\"'])(?:-[a-zA-Z]*u|--user|-U|--proxy-user|-a|--auth)(?:="
                                           rf"|{_BREAK})?(?P<quote>[\"'])[\w.@+-]{{1,100}}:(?P<value>(?:(?!"
                                           rf"(?P=quote)).)+)"),
    _command("htpasswd", rf"(?<=\s)-[a-zA-Z0-9]*b[a-zA-Z0-9]*\s+(?:-\S+\s+)*(?:\S+\s+){{1,2}}?{_VALUE}\s*(?=$|[|;)&])"),
    _command("ldapsearch ldapmodify ldapadd ldappasswd ldapwhoami ldapdelete", rf"(?<=[\s\"'])-[ws]{_BREAK}{_VALUE}"),
    _command("smbclient rpcclient smbget", rf"(?<=[\s\"'])-U{_BREAK}?[\"']?[\w.\\/@-]{{1,100}}%{_VALUE}"),
    _command("mosquitto_pub mosquitto_sub unzip zip ipmitool", rf"(?<=[\s\"'])-P(?:{_BREAK})?{_VALUE}"),
    _command("login mongo mongosh mongodump mongorestore mongoexport tsql"
             " xfreerdp", rf"(?<=[\s\"'])(?:-p{_BREAK}|/p:){_VALUE}"),
    _command("7z 7za 7zr rar unrar", rf"(?<=[\s\"'])-h?p{_VALUE}"),
    _command("openssl", rf"(?<=[\s\"'])-(?:k|K|hmac|macopt){_BREAK}(?:key:|hexkey:)?{_VALUE}"),
    _command("openssl keytool", rf"\bpass:{_VALUE}"),
    _command("keytool", rf"(?<=\s)-(?:store|key|new|deststore|srcstore)pass{_BREAK}{_VALUE}"),
    _command("rabbitmqctl", rf"\b(?:add_user|change_password|authenticate_user)\s+\S+\s+{_VALUE}"),
    _command("useradd usermod", rf"(?<=[\s\"'])-p{_BREAK}{_VALUE}"),
    _command("echo printf", r"(?:echo|printf)\s+(?:-\S+\s+)?[\"']?[\w.-]{1,64}:(?P<value>[^\s\"'|]+)[\"']?\s*\|\s*"
                            r"(?:sudo\s+)?chpasswd"),
    _command("echo printf", r"(?:echo|printf)\s+(?:-\S+\s+)?(?P<value>\"[^\"]+|'[^']+|[^\s\"'|:]+)[\"']?\s*\|\s*"
                            r"(?:sudo\s+(?:-\S+\s+)*-[a-zA-Z]*S|(?:sudo\s+)?(?:passwd|cryptsetup|su)\b)"),
    _command("lftp", rf"(?<=\s)-u{_BREAK}[\w.@-]{{1,100}},{_VALUE}"),
    _command("snmpwalk snmpget snmpset snmpbulkwalk", rf"(?<=\s)-[cAX]{_BREAK}{_VALUE}"),
    _command("aws npm git composer pip twine poetry glab flyctl heroku"
             " doctl", rf"\b(?:config|configure|auth|login)\b.{{0,80}}?(?:secret|token|passw|auth)[\w.:/-]{{0,80}}(?:="
                       rf"|{_BREAK}){_VALUE}"),
    _command("swaks msmtp sendemail", rf"(?<=\s)-(?:ap|xp){_BREAK}{_VALUE}"),
    _command("wpa_passphrase", rf"wpa_passphrase\s+\S+\s+{_VALUE}"),
    _command("curl", rf"_config/admins/[\w.@-]{{1,100}}.{{0,200}}?(?:-d|--data\S{{0,10}}){_BREAK}?[\"']?[\\\"']{{0,3}}"
                     rf"(?P<value>[^\"'\\\s]+)"),
)  # fmt: skip

_LONG_OPTION = re.compile(
    rf"(?<![\w-])--?(?:[\w-]{{0,40}}?(?:passw(?:or)?d|passphrase|passwd|secret|token|api-?key|access-?key|secret-?key"
    rf"|private-?key|auth-?key|encryption-?key|credentials?|cookie-secret|setcookie|session-key|jwt|psk)|pass"
    rf"|setcookie|pw|pwd)(?:=|{_BREAK}){_VALUE}",
    re.IGNORECASE,
)


def _options(line: str, low: str) -> Iterator[Span]:
    if "-" in line:
        for found in _LONG_OPTION.finditer(line):
            yield from _value(found)


def _commands(line: str, low: str) -> Iterator[Span]:
    if "-" not in line and "|" not in line and " " not in line:
        return
    seen: set[Command] = set()
    for word in _WORDS.finditer(low):
        for command in _BY_WORD[word[0]]:
            if command not in seen:
                seen.add(command)
                for found in command.option.finditer(line, word.start()):
                    yield from _value(found)


def _value(found: re.Match[str]) -> Iterator[Span]:
    start, end = found.span("value")
    value = found.string[start:end]
    if value[:1] in "\"'":
        start += 1
        value = value[1:]
    else:
        value = value.rstrip(")]},") if not value.startswith("(") else value
        value = value.rstrip("\"'") if found.string[max(0, start - 1) : start] in ('"', "'") else value
        end = start + len(value)
    if value.startswith("-") and found.string[start - 1 : start] in (" ", "\t"):
        return
    if value and not is_none(value, message=False) and not is_elsewhere(value):
        yield Span(start, end)


_BY_WORD = {
    word: tuple(command for command in _COMMANDS if word in command.words)
    for command in _COMMANDS
    for word in command.words
}
_WORDS = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(_BY_WORD, key=len, reverse=True))})(?![\w-])|mysql|mariadb")


def _trigger(word: str) -> str:
    """The longest word of letters in the name of a command."""
    part = max(re.findall("[a-z]+", word), key=len)
    return part if len(part) > 2 else word[:2]


RULES = (
    Rule(("pass", "secret", "token", "key", "credential", "setcookie", "jwt", "psk", "=pw", "pwd"), _options),
    Rule(tuple({_trigger(word) for word in _BY_WORD}), _commands),
)
