"""From what crossplane gives (files with directives) to sites: includes, inheritance, groups and variables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from cozydiag.proxies.protocol import Certificate, Listen, Location, Passing, Server, Upstream
from cozydiag.proxies.units import endpoint, seconds, size

Directive = dict[str, Any]
"""As crossplane gives it: directive, line, args, and for some block or includes (indexes of files)."""

_PASSES = {
    "proxy_pass": "http",
    "fastcgi_pass": "fastcgi",
    "uwsgi_pass": "uwsgi",
    "scgi_pass": "scgi",
    "grpc_pass": "grpc",
}
_BODY, _TIME_OUT = 1 << 20, 60.0
"""nginx's own defaults of client_max_body_size, proxy_connect_timeout and proxy_read_timeout (nginx.org/en/docs)."""


class _Placed(NamedTuple):
    """A directive and the file it stands in."""

    file: str
    directive: Directive

    @property
    def name(self) -> str:
        return str(self.directive["directive"])

    @property
    def args(self) -> list[str]:
        return list(self.directive["args"])

    @property
    def line(self) -> int:
        return int(self.directive["line"])


class _Scope:
    """A block and those around it. A directive counts where it stands innermost; one there hides all further out."""

    def __init__(self, around: _Scope | None, inside: list[_Placed]) -> None:
        self.around = around
        self.inside = inside
        self._own: dict[str, list[_Placed]] = {}
        for one in inside:
            self._own.setdefault(one.name, []).append(one)

    def all(self, name: str) -> list[_Placed]:
        if name in self._own:
            return self._own[name]
        return self.around.all(name) if self.around else []

    def own(self, name: str) -> list[_Placed]:
        return self._own.get(name, [])

    def word(self, name: str) -> str:
        """The first argument, "" where the directive is nowhere."""
        found = self.all(name)
        return found[-1].args[0] if found and found[-1].args else ""

    def variable(self, name: str) -> str | None:
        """What `set` gives to ``name``, here or further out."""
        value = next((one.args[1] for one in reversed(self.own("set")) if one.args[:1] == [name]), None)
        return value if value is not None or self.around is None else self.around.variable(name)


class Tree:
    """All of a configuration, walked in the order in which nginx reads it."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self._files = files
        self._groups: dict[str, tuple[Upstream, ...]] = {}
        self._maps: dict[str, tuple[str, ...]] = {}
        self._main = _Scope(None, self._inside(files[0]["parsed"], files[0]["file"])) if files else _Scope(None, [])

    def servers(self) -> tuple[Server, ...]:
        scopes = [_Scope(self._main, self._block(http)) for http in self._main.own("http")]
        for scope in scopes:  # a group may stand below the server that uses it
            for group in scope.own("upstream"):
                self._groups[group.args[0]] = self._members(group)
            for named in scope.own("map"):
                self._maps[named.args[1]] = tuple(self._values(named))
        return tuple(self._server(scope, server) for scope in scopes for server in scope.own("server"))

    def lacks_events(self) -> bool:
        """nginx does not start without this section (`src/event/ngx_event.c`); an emptied file is the usual reason."""
        return not self._main.own("events")

    def error_logs(self) -> tuple[str, ...]:
        """The files that errors are written to, each once. Relative ones are left out: nginx takes them from a folder
        that it was built with."""
        found = (
            directive["args"][0]
            for file in self._files
            for directive in _everything(file["parsed"])
            if directive["directive"] == "error_log" and directive["args"]
        )
        return tuple(dict.fromkeys(target for target in found if target.startswith("/")))

    # -- walking -------------------------------------------------------------------------------------

    def _inside(self, block: list[Directive], file: str) -> list[_Placed]:
        """The directives of a block, those of included files in place of the include."""
        found = []
        for directive in block:
            if "includes" in directive:
                for index in directive["includes"]:
                    found += self._inside(self._files[index]["parsed"], self._files[index]["file"])
            else:
                found.append(_Placed(file, directive))
        return found

    def _block(self, placed: _Placed) -> list[_Placed]:
        return self._inside(placed.directive.get("block", []), placed.file)

    def _members(self, group: _Placed) -> tuple[Upstream, ...]:
        members = [one for one in self._block(group) if one.name == "server" and one.args]
        return tuple(_place("http", one.args[0], one.file, one.line) for one in members)

    def _values(self, named: _Placed) -> Iterator[str]:
        """What a `map` can give."""
        for one in self._block(named):
            if one.args:
                yield one.args[0]

    # -- sites ---------------------------------------------------------------------------------------

    def _server(self, http: _Scope, block: _Placed) -> Server:
        scope = _Scope(http, self._block(block))
        on = scope.word("ssl") == "on"
        listens = [_listen(one.args, everywhere=on) for one in scope.own("listen") if one.args]
        return Server(
            "nginx",
            tuple(name for one in scope.own("server_name") for name in one.args if name),
            tuple(listens) or (Listen("", 80, on),),
            tuple(_certificates(scope, os.path.dirname(self._files[0]["file"]))),
            tuple(self._locations(scope, "/", block)),
            block.file,
            block.line,
        )

    def _locations(self, scope: _Scope, match: str, place: _Placed) -> Iterator[Location]:
        for one in scope.inside:
            if one.name in _PASSES and one.args:
                upstreams, group = self._targets(one, scope)
                passing = _passing(scope) if one.name == "proxy_pass" else Passing(body=_body(scope))
                yield Location(match, upstreams, passing, group, place.file, one.line)
            elif one.name in ("location", "if", "limit_except"):
                inner = " ".join(one.args) if one.name == "location" else match
                yield from self._locations(_Scope(scope, self._block(one)), inner, one)

    def _targets(self, one: _Placed, scope: _Scope) -> tuple[tuple[Upstream, ...], str]:
        """Where a `*_pass` leads, and the name of the group where it is one."""
        written = one.args[0]
        values = self._resolved(written, scope)
        if values is None:
            return (Upstream(_PASSES[one.name], dynamic=written, path=one.file, line=one.line),), ""
        found: list[Upstream] = []
        groups = []
        for value in values:
            scheme, mark, rest = value.partition("://")
            scheme, rest = (scheme, rest) if mark else (_PASSES[one.name], value)
            name = rest.split("/", 1)[0]
            if name in self._groups:
                groups.append(name)
                found += [member._replace(scheme=scheme) for member in self._groups[name]]
            else:
                found.append(_place(scheme, rest, one.file, one.line))
        return tuple(dict.fromkeys(found)), " ".join(groups)

    def _resolved(self, written: str, scope: _Scope) -> tuple[str, ...] | None:
        """``written`` with its one variable filled in: by `set`, or with all that a `map` can give. None when what
        comes depends on the request. Variables behind the place (`$request_uri`) do not matter."""
        head, mark, rest = written.partition("://")
        authority = rest.split("/", 1)[0] if mark and not rest.startswith("unix:") else ""
        target = f"{head}{mark}{authority}" if authority else written
        if "$" not in target:
            return (target,)
        start = target.index("$")
        end = start + 1
        while end < len(target) and (target[end].isalnum() or target[end] in "_{}"):
            end += 1
        name = "$" + target[start + 1 : end].strip("{}")
        value = scope.variable(name)
        values = self._maps.get(name, ()) if value is None else (value,)
        filled = tuple(target[:start] + value + target[end:] for value in values)
        return None if not filled or any("$" in one for one in filled) else filled


def _everything(block: list[Directive]) -> Iterator[Directive]:
    for directive in block:
        yield directive
        yield from _everything(directive.get("block", []))


def _listen(args: list[str], *, everywhere: bool) -> Listen:
    tls = everywhere or "ssl" in args
    default = "default_server" in args or "default" in args
    if args[0].startswith("unix:"):
        return Listen("", 0, tls, default, args[0][5:])
    if args[0].isdigit():
        return Listen("", int(args[0]), tls, default)
    host, port = endpoint(args[0], 80)
    return Listen("" if host in ("*", "0.0.0.0") else host, port, tls, default)  # noqa: S104


def _certificates(scope: _Scope, folder: str) -> Iterator[Certificate]:
    """nginx takes them in pairs, in the order in which they stand, and below the folder of its main file
    (`ngx_conf_full_name`)."""
    keys = scope.all("ssl_certificate_key")
    for number, one in enumerate(scope.all("ssl_certificate")):
        if one.args and number < len(keys) and keys[number].args:
            yield Certificate(_below(folder, one.args[0]), _below(folder, keys[number].args[0]), one.line)


def _below(folder: str, written: str) -> str:
    """What is `data:` or `engine:` is no path."""
    return written if ":" in written else os.path.join(folder, written)


def _place(scheme: str, rest: str, file: str, line: int) -> Upstream:
    if rest.startswith("unix:"):
        return Upstream(scheme, unix=rest.split(":")[1], path=file, line=line)
    host, port = endpoint(rest.split("/", 1)[0], 443 if scheme in ("https", "grpcs") else 80)
    return Upstream(scheme, host, port, path=file, line=line)


def _passing(scope: _Scope) -> Passing:
    headers = {one.args[0].lower(): one.args[1] for one in scope.all("proxy_set_header") if len(one.args) > 1}
    host = headers.get("host", "$proxy_host")
    upgrade = "$http_upgrade" in headers.get("upgrade", "") and headers.get("connection", "close").lower() != "close"
    return Passing(
        host=host.startswith(("$host", "$http_host")),
        upgrade=bool(upgrade) and scope.word("proxy_http_version") == "1.1",
        proto=headers.get("x-forwarded-proto", "http") not in ("", "http"),
        body=_body(scope),
        connect=seconds(scope.word("proxy_connect_timeout"), _TIME_OUT),
        read=seconds(scope.word("proxy_read_timeout"), _TIME_OUT),
    )


def _body(scope: _Scope) -> int:
    return size(scope.word("client_max_body_size"), _BODY)
