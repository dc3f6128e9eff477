"""HAProxy's files (docs.haproxy.org/2.6/configuration.html) as sites."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cozydiag.proxies.protocol import Certificate, Configuration, Listen, Location, Mistake, Passing, Server, Upstream
from cozydiag.proxies.units import endpoint, seconds

_SECTIONS = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers", "peers", "cache",
             "program", "http-errors", "ring", "log-forward", "mailers", "fcgi-app", "crt-store")  # fmt: skip
_HOST = re.compile(r"(?:req\.)?hdr(?:_(?P<how>\w+))?\(host\)|(?:ssl_fc_sni|req\.?_?ssl_sni)", re.I)
_PATH = re.compile(r"path(?:_(?P<how>\w+))?$")


class _Line(NamedTuple):
    words: list[str]
    path: str
    line: int


class _Section(NamedTuple):
    kind: str
    name: str
    lines: list[_Line]
    defaults: _Section | None = None

    def all(self, name: str) -> Iterator[_Line]:
        return (one for one in self.lines if one.words[0] == name)

    def words(self, *start: str) -> list[str]:
        """What follows ``start``, here or in the defaults that count here."""
        for one in reversed(self.lines):
            if tuple(one.words[: len(start)]) == start:
                return one.words[len(start) :] or [""]
        return self.defaults.words(*start) if self.defaults else []


def parse(files: Mapping[str, str]) -> Configuration:
    """All sites of files (path and content), which are read one after another as several `-f` have them. The only
    mistake that is seen is a backend that does not exist: HAProxy's own test sees more."""
    sections = list(_sections(files))
    backends = {one.name: one for one in sections if one.kind in ("backend", "listen")}
    servers: list[Server] = []
    mistakes = []
    for front in sections:
        if front.kind in ("frontend", "listen") and any(front.all("bind")):
            servers += _sites(front, backends)
            mistakes += [
                Mistake(one.path, one.line, f"unable to find required {one.words[0]}: '{one.words[1]}'")
                for one in front.lines
                if one.words[0] in ("use_backend", "default_backend") and len(one.words) > 1
                and one.words[1] not in backends and "%[" not in one.words[1]
            ]  # fmt: skip
    logs = [one.words[1] for section in sections if section.kind == "global" for one in section.all("log")
            if len(one.words) > 1 and one.words[1].startswith("/") and one.words[1] != "/dev/log"]  # fmt: skip
    return Configuration(tuple(servers), tuple(mistakes), (), tuple(files), tuple(logs))


def _sections(files: Mapping[str, str]) -> Iterator[_Section]:
    current: _Section | None = None
    defaults: _Section | None = None
    every = ((path, number, raw) for path, text in files.items() for number, raw in enumerate(text.splitlines(), 1))
    for path, number, raw in every:
        words = _split(raw)
        if not words:
            continue
        if words[0] in _SECTIONS:
            if current is not None:
                yield current
            current = _Section(words[0], words[1] if len(words) > 1 else "", [], defaults)
            if words[0] == "defaults":
                current = current._replace(defaults=None)
                defaults = current
        elif current is not None:
            current.lines.append(_Line(words, path, number))
    if current is not None:
        yield current


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a quotation that does not end
        return line.split("#", maxsplit=1)[0].split()


# -- sites ---------------------------------------------------------------------------------------------


def _sites(front: _Section, backends: dict[str, _Section]) -> Iterator[Server]:
    """One for each set of names that a rule asks for, each with what holds for all."""
    listens, certificates = _doors(front)
    rules: dict[tuple[str, ...], list[Location]] = {}
    for rule in (*front.all("use_backend"), *front.all("default_backend")):
        if len(rule.words) < 2:
            continue
        names, match = _asked(front, rule.words[2:])
        back = backends.get(rule.words[1])
        rules.setdefault(names, []).append(_location(match, rule, front, back))
    door = next(front.all("bind"))
    if front.kind == "listen" and any(front.all("server")):
        rules.setdefault((), []).append(_location("/", _Line([front.name] * 2, door.path, 0), front, front))
    everyone = rules.pop((), [])
    for names, locations in rules.items():
        yield Server("haproxy", names, listens, certificates, (*locations, *everyone), door.path, door.line)
    yield Server("haproxy", (), listens, certificates, tuple(everyone), door.path, door.line)


def _doors(front: _Section) -> tuple[tuple[Listen, ...], tuple[Certificate, ...]]:
    listens, certificates = [], []
    for bind in front.all("bind"):
        words = bind.words[1:]
        tls = "ssl" in words
        for written in words[0].split(",") if words else []:
            if written.startswith(("/", "unix@")):
                listens.append(Listen("", 0, tls, unix=written.removeprefix("unix@")))
                continue
            host, port = endpoint(re.sub(r"^ipv[46]@", "", written), 80)
            listens.append(Listen({"*": "", "0.0.0.0": ""}.get(host, host), port, tls))  # noqa: S104
        files = [words[number + 1] for number, word in enumerate(words[:-1]) if word == "crt"]
        certificates += [Certificate(file, file, bind.line) for file in files]
    return tuple(listens), tuple(certificates)


def _asked(front: _Section, condition: list[str]) -> tuple[tuple[str, ...], str]:
    """The names and the beginning of the path that a condition asks for; () and "/" for what is not understood."""
    tests: list[list[str]] = []
    if "{" in condition:
        inner = condition[condition.index("{") + 1 :]
        tests.append(inner[: inner.index("}")] if "}" in inner else inner)
    named = {word for word in condition[1:] if not word.startswith("!")}
    tests += [one.words[2:] for one in front.all("acl") if len(one.words) > 2 and one.words[1] in named]
    names: list[str] = []
    match = "/"
    for test in tests:
        method = test.index("-m") + 1 if "-m" in test else 0
        values = [word for at, word in enumerate(test) if at not in (0, method) and not word.startswith("-")]
        host, path = _HOST.match(test[0]), _PATH.match(test[0])
        if host is not None:
            how = host["how"] or (test[method] if 0 < method < len(test) else "")
            names += ["*" + value if how in ("end", "dom") and value[:1] == "." else value for value in values]
        elif path is not None and values:
            match = values[0] if path["how"] != "reg" else f"~ {values[0]}"
    return tuple(names), match


def _location(match: str, rule: _Line, front: _Section, back: _Section | None) -> Location:
    if back is None:
        return Location(match, (), Passing(), rule.words[1], rule.path, rule.line)
    lines = [one for one in back.all("server") if len(one.words) > 2]
    upstreams = tuple(map(_upstream, lines))
    sets = [one.words for section in (front, back) for name in ("http-request", "option") for one in section.all(name)]
    proto = any("x-forwarded-proto" in word.lower() for words in sets for word in words[1:4])
    host = not any([word.lower() for word in words[:3]] == ["http-request", "set-header", "host"] for words in sets)
    tunnel = back.words("timeout", "tunnel") or front.words("timeout", "tunnel")
    quiet = [tunnel] if tunnel else [back.words("timeout", "server"), front.words("timeout", "client")]
    read = min((seconds(words[0], 0.0, "ms") for words in quiet if words), default=None)
    connect = back.words("timeout", "connect")
    closes = any(words[:2] == ["option", name] for words in sets for name in ("httpclose", "http-server-close"))
    passing = Passing(
        host=host,
        upgrade=None if closes else True,
        proto=proto,
        body=0,
        connect=seconds(connect[0], 0.0, "ms") if connect else None,
        read=read,
    )
    place = lines[0] if lines else rule
    return Location(match, upstreams, passing, back.name, place.path, place.line)


def _upstream(one: _Line) -> Upstream:
    written, options = one.words[2], one.words[3:]
    scheme = "https" if "ssl" in options else "http"
    if written.startswith(("/", "unix@")):
        return Upstream(scheme, unix=written.removeprefix("unix@"), path=one.path, line=one.line)
    if "$" in written or "%[" in written:
        return Upstream(scheme, dynamic=written, path=one.path, line=one.line)
    host, port = endpoint(re.sub(r"^ipv[46]@", "", written), 443 if scheme == "https" else 80)
    return Upstream(scheme, host, port, path=one.path, line=one.line)
