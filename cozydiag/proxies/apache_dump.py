"""Apache's dump of its configuration as a tree, and the sites in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cozydiag.proxies.protocol import Certificate, Listen, Location, Passing, Server, Upstream
from cozydiag.proxies.units import endpoint, seconds

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)')
_SCHEMES = {"fcgi": "fastcgi", "ws": "http", "wss": "https", "h2": "https", "h2c": "h2c"}
_TIME_OUT = 60.0


@dataclass(slots=True)
class Node:
    """A directive, or a section with what is in it. Names are in small letters: Apache takes them in any case."""

    name: str
    args: list[str]
    file: str
    line: int
    inside: list[Node] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[Node]:
        """Directives of these names directly in here."""
        return (one for one in self.inside if one.name in names)

    def word(self, name: str) -> str:
        return next((one.args[0] for one in reversed(self.inside) if one.name == name and one.args), "")


class Dump:
    """``files`` in the order in which they were read; () for what is no dump."""

    def __init__(self, main: Node, files: tuple[str, ...]) -> None:
        self.main = main
        self.files = files
        self._balancers = {
            node.args[0].rstrip("/"): node
            for around in (main, *main.all("virtualhost"))
            for node in around.all("proxy")
            if node.args and node.args[0].startswith("balancer://")
        }

    def servers(self) -> tuple[Server, ...]:
        hosts = [self._server(host) for host in self.main.all("virtualhost")]
        own = self._server(self.main)
        return (*hosts, own) if own.locations else tuple(hosts)

    def logs(self) -> tuple[str, ...]:
        """Where errors go; names that do not begin with a slash stand below ServerRoot."""
        root = self.main.word("serverroot").rstrip("/")
        found = [host.word("errorlog") for host in (self.main, *self.main.all("virtualhost"))]
        files = [one for one in found if one and one[0] != "|" and not one.startswith("syslog")]
        return tuple(dict.fromkeys(one if one[0] == "/" else f"{root}/{one}" for one in files))

    def _server(self, host: Node) -> Server:
        names = [host.word("servername"), *(word for alias in host.all("serveralias") for word in alias.args)]
        tls = (host.word("sslengine") or self.main.word("sslengine")).lower() == "on"
        inherited = [] if host is self.main else list(self._locations(self.main, host, "/"))
        return Server(
            "apache",
            tuple(endpoint(name.rpartition("//")[2], 0)[0] for name in names if name),
            tuple(self._listens(host, tls)),
            tuple(_certificates(host)) if tls else (),
            (*self._locations(host, host, "/"), *inherited),
            host.file or (self.files[0] if self.files else ""),
            host.line,
        )

    def _listens(self, host: Node, tls: bool) -> Iterator[Listen]:
        """A virtual host takes what the `Listen` lines let in."""
        doors = [(door.args[0], "https" in door.args[1:]) for door in self.main.all("listen") if door.args]
        places = [(*endpoint(door if not door.isdigit() else f"*:{door}", 80), https) for door, https in doors]
        if host is self.main:
            yield from (Listen(address, port, tls or https) for address, port, https in places)
            return
        for written in host.args:
            address, port = endpoint(written, 0)
            if address not in ("*", "_default_"):
                yield Listen(address, port, tls)
                continue
            there = [place for place in places if port in (0, place[1])]
            yield from (Listen(door, number, tls) for door, number, _ in there)
            if not there:
                yield Listen("*", port, tls)

    def _locations(self, node: Node, host: Node, match: str) -> Iterator[Location]:
        for one in node.inside:
            if one.name in ("location", "locationmatch", "directory", "if", "ifmodule", "directorymatch"):
                yield from self._locations(one, host, " ".join(one.args) if one.name.startswith("loc") else match)
                continue
            target, where, options = _target(one, match)
            if not target or target == "!" or (one.name == "rewriterule" and target.startswith("ws")):
                continue  # a rule for WebSockets stands under a condition; where it leads, the others do
            upstreams, group = self._upstreams(target, one)
            yield Location(where, upstreams, self._passing(host, target, options), group, one.file, one.line)

    def _upstreams(self, target: str, node: Node) -> tuple[tuple[Upstream, ...], str]:
        head = "//".join(target.split("//")[:2]).rstrip("/")
        name = "//".join(target.split("/")[:3:2])
        balancer = self._balancers.get(name) or self._balancers.get(head)
        if balancer is None:
            return (_upstream(target, node),), ""
        members = [one for one in balancer.all("balancermember") if one.args]
        return tuple(_upstream(one.args[0], one) for one in members), name.partition("//")[2]

    def _passing(self, host: Node, target: str, options: dict[str, str]) -> Passing:
        def word(name: str) -> str:
            return host.word(name) or self.main.word(name)

        headers = [one.args for node in (host, self.main) for one in node.all("requestheader")]
        usual = seconds(word("proxytimeout") or word("timeout"), _TIME_OUT)
        read = seconds(options.get("timeout", ""), usual)
        sockets = target.startswith(("ws:", "wss:")) or "upgrade" in options
        body = word("limitrequestbody")
        return Passing(
            host=word("proxypreservehost").lower() == "on",
            upgrade=sockets or any(_is_websocket(one) for one in host.inside),
            proto=any(len(args) > 1 and args[1].lower() == "x-forwarded-proto" for args in headers),
            body=int(body) if body.isdigit() else None,
            connect=seconds(options.get("connectiontimeout", ""), read),
            read=read,
        )


def parse(text: str) -> Dump:
    """Of `apache2 -t -D DUMP_CONFIG`: each directive after a line with its number, each file after its name."""
    main = Node("", [], "", 0)
    stack, files, file, line = [main], [], "", 0
    for raw in text.splitlines():
        words = raw.strip()
        if words.startswith("# In file: "):
            file = words[11:]
            files.append(file)
        elif words.startswith("#"):
            number = words[1:].strip().rstrip(":")
            line = int(number) if number.isdigit() else line
        elif words.startswith("</"):
            stack = stack[:-1] if len(stack) > 1 else stack
        elif words:
            section = words.startswith("<")
            name, _, rest = words.strip("<>").partition(" ") if section else words.partition(" ")
            node = Node(name.lower(), ["".join(found) for found in _WORD.findall(rest)], file, line)
            stack[-1].inside.append(node)
            if section:
                stack.append(node)
    return Dump(main, tuple(dict.fromkeys(files)))


def _target(node: Node, match: str) -> tuple[str, str, dict[str, str]]:
    """What a directive passes on: the target, the path that it is for, and its `key=value` words."""
    args = node.args
    if node.name in ("proxypass", "proxypassmatch") and args:
        plain = [word for word in args if "=" not in word or "://" in word or word.startswith(("/", "^"))]
        options = dict(word.lower().split("=", 1) for word in args[len(plain) :] if "=" in word)
        where = plain[0] if len(plain) > 1 else match
        where = f"~ {where}" if node.name == "proxypassmatch" else where
        return plain[min(1, len(plain) - 1)], where, options
    if node.name == "rewriterule" and len(args) > 2 and {"P", "proxy"} & set(args[2].strip("[]").split(",")):
        return args[1], f"~ {args[0]}", {}
    if node.name == "sethandler" and args and args[0].startswith("proxy:"):
        return args[0][6:], match, {}
    return "", match, {}


def _is_websocket(node: Node) -> bool:
    return node.name in ("rewriterule", "proxypass", "proxypassmatch") and any("ws://" in word for word in node.args)


def _upstream(target: str, node: Node) -> Upstream:
    socket, bar, rest = target.partition("|")
    scheme, _, after = (rest if bar else target).partition("://")
    scheme = _SCHEMES.get(scheme, scheme)
    if bar and socket.startswith("unix:"):
        return Upstream(scheme, unix=socket[5:], path=node.file, line=node.line)
    authority = after.split("/", 1)[0].partition("$")[0] if "/$" in after else after.split("/", 1)[0]
    if not authority or "$" in authority or "%{" in authority:
        return Upstream(scheme, dynamic=target, path=node.file, line=node.line)
    host, port = endpoint(authority, {"https": 443, "fastcgi": 8000, "ajp": 8009}.get(scheme, 80))
    return Upstream(scheme, host, port, path=node.file, line=node.line)


def _certificates(host: Node) -> Iterator[Certificate]:
    """Pairs in the order in which they stand; a file without a key of its own holds both."""
    keys = [one.args[0] for one in host.all("sslcertificatekeyfile") if one.args]
    for number, one in enumerate(host.all("sslcertificatefile")):
        if one.args:
            yield Certificate(one.args[0], keys[number] if number < len(keys) else one.args[0], one.line)
