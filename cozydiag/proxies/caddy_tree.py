"""Caddy's configuration (caddyserver.com/docs/json) as sites. Shapes that it does not have raise what they raise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cozydiag.proxies.protocol import Certificate, Listen, Location, Passing, Server, Upstream
from cozydiag.proxies.units import endpoint, seconds

_DIAL = 3.0
"""Seconds until Caddy gives up connecting (reverseproxy/httptransport.go)."""


class _Route(NamedTuple):
    """What holds for the routes inside another."""

    names: tuple[str, ...] = ()
    match: str = "/"
    body: int = 0


class Tree:
    """``text`` is the file as it stands on disk, for the numbers of lines: the JSON has none."""

    def __init__(self, config: dict[str, Any], path: str, text: str) -> None:
        apps = config.get("apps") or {}
        self._config = config
        self._http: dict[str, Any] = apps.get("http") or {}
        self._tls: dict[str, Any] = apps.get("tls") or {}
        self._path = path
        self._lines = text.splitlines()

    def servers(self) -> tuple[Server, ...]:
        return tuple(site for server in (self._http.get("servers") or {}).values() for site in self._sites(server))

    def logs(self) -> tuple[str, ...]:
        """The files that it logs to; without one, standard error gets it all."""
        named = ((self._config.get("logging") or {}).get("logs") or {}).values()
        files = [(log.get("writer") or {}).get("filename") for log in named]
        return tuple(dict.fromkeys(str(file) for file in files if file))

    def _sites(self, server: dict[str, Any]) -> Iterator[Server]:
        """One for each set of names: a server of Caddy's is a port with all its sites."""
        found: dict[tuple[str, ...], list[Location]] = {}
        for route, location in self._locations(server.get("routes") or [], _Route()):
            found.setdefault(route.names, [])
            if location is not None:
                found[route.names].append(location)
        for names, locations in found.items():
            listens = tuple(self._listen(written, server, names) for written in server.get("listen") or [":443"])
            certificates = self._certificates(server, names) if any(one.tls for one in listens) else ()
            line = self._line(names[0]) if names else 0
            yield Server("caddy", names, listens, tuple(certificates), tuple(locations), self._path, line)

    def _listen(self, written: str, server: dict[str, Any], names: tuple[str, ...]) -> Listen:
        address = written.rpartition("/")[2] if written.startswith(("tcp", "udp")) else written
        if address.startswith("unix"):
            return Listen("", 0, unix=address.partition("/")[2])
        host, port = endpoint(address, 443)
        return Listen(host or "*", port, self._encrypted(server, port, names))

    def _encrypted(self, server: dict[str, Any], port: int, names: tuple[str, ...]) -> bool:
        """By its own policies, else because a site with a name is served over TLS on its own
        (caddyserver.com/docs/automatic-https)."""
        if server.get("tls_connection_policies"):
            return True
        automatic = server.get("automatic_https") or {}
        return bool(names) and not automatic.get("disable") and port != self._http.get("http_port", 80)

    def _certificates(self, server: dict[str, Any], names: tuple[str, ...]) -> Iterator[Certificate]:
        tags = {
            tag
            for policy in server.get("tls_connection_policies") or []
            if not (policy.get("match") or {}).get("sni") or set(policy["match"]["sni"]) & set(names)
            for tag in (policy.get("certificate_selection") or {}).get("any_tag") or []
        }
        for loaded in (self._tls.get("certificates") or {}).get("load_files") or []:
            if tags & set(loaded.get("tags") or []) or not tags:
                yield Certificate(loaded["certificate"], loaded["key"], self._line(loaded["certificate"]))

    # -- routes --------------------------------------------------------------------------------------

    def _locations(self, routes: list[Any], around: _Route) -> Iterator[tuple[_Route, Location | None]]:
        for route in routes:
            for matcher in route.get("match") or [{}]:
                names = tuple(matcher.get("host") or around.names)
                match = " ".join(matcher.get("path") or ()) or around.match
                yield from self._handled(route.get("handle") or [], _Route(names, match, around.body))

    def _handled(self, handlers: list[Any], here: _Route) -> Iterator[tuple[_Route, Location | None]]:
        for handler in handlers:
            kind = handler.get("handler")
            if kind == "request_body":
                here = here._replace(body=int(handler.get("max_size") or 0))
            elif kind == "subroute":
                yield from self._locations(handler.get("routes") or [], here)
            elif kind == "reverse_proxy":
                yield here, self._location(handler, here)
            else:
                yield here, None

    def _location(self, handler: dict[str, Any], here: _Route) -> Location:
        transport = handler.get("transport") or {}
        scheme = "fastcgi" if transport.get("protocol") == "fastcgi" else "https" if "tls" in transport else "http"
        dials = [str(one.get("dial", "")) for one in handler.get("upstreams") or []]
        upstreams = [self._upstream(scheme, dial) for dial in dials]
        if handler.get("dynamic_upstreams"):
            upstreams.append(Upstream(scheme, dynamic=str(handler["dynamic_upstreams"].get("source", "dynamic"))))
        headers = ((handler.get("headers") or {}).get("request") or {}).get("set") or {}
        host = headers.get("Host", ["{http.request.host}"])
        passing = Passing(
            host="{http.request.host" in host[0],
            upgrade=True,  # reverse_proxy does so without being told
            proto=True,
            body=here.body,
            connect=_time(transport.get("dial_timeout"), _DIAL),
            read=_time(transport.get("response_header_timeout"), None),
        )
        return Location(here.match, tuple(upstreams), passing, "", self._path, upstreams[0].line if upstreams else 0)

    def _upstream(self, scheme: str, dial: str) -> Upstream:
        line = self._line(dial)
        if "{" in dial:
            return Upstream(scheme, dynamic=dial, path=self._path, line=line)
        if dial.startswith("unix/"):
            return Upstream(scheme, unix=dial[5:], path=self._path, line=line)
        host, port = endpoint(dial.rpartition("/")[2], 80)
        return Upstream(scheme, host or "127.0.0.1", port, path=self._path, line=line)

    def _line(self, word: str) -> int:
        """The first line with the word in it, 0 where none has."""
        return next((number for number, line in enumerate(self._lines, 1) if word in line), 0)


def _time(written: Any, otherwise: float | None) -> float | None:
    """Nanoseconds, or as Go writes durations."""
    if isinstance(written, int):
        return written / 1e9
    return seconds(written, otherwise or 0.0) if isinstance(written, str) else otherwise
