"""The parts of an http(s) address, without the price of urllib."""

from typing import NamedTuple

from cozydiag.host.logs import one_line

_PORTS = {"http": 80, "https": 443}

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""How this machine is written."""


class Url(NamedTuple):
    """``target`` is path and query as sent; user and password in the address are dropped, never sent or shown."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def shown(self) -> str:
        """For people: no user, no password, and no query, which may carry a token."""
        path, mark, _ = self.target.partition("?")
        return one_line(f"{self.scheme}://{self.authority}{path}{mark and '?…'}")


def parse(url: str) -> Url | None:
    """None where ``url`` is not an http or https address."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        return None
    rest = rest.partition("#")[0]
    end = min((at for at in (rest.find(mark) for mark in "/?") if at >= 0), default=len(rest))
    place = rest[:end].rpartition("@")[2]
    host, port = _host_and_port(place)
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None
    number = int(port) if port else _PORTS[scheme]
    if not host or not 0 < number < 65536:
        return None
    target = rest[end:] if rest[end:].startswith("/") else "/" + rest[end:]
    return Url(scheme, host, number, _quoted(target))


def is_address(name: str) -> bool:
    """Whether ``name`` is an address itself, which no resolver is asked for."""
    return ":" in name or name.rpartition(".")[2].isdigit()


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = place.partition(":")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return "", ""
    return (host.lower(), port) if host.isprintable() and not set(host) & set(' "<>\\^`{|}') else ("", "")


def _quoted(target: str) -> str:
    """Blanks, controls and letters beyond ASCII as %XX: nothing can break out of the request line."""
    if target.isascii() and target.isprintable() and " " not in target:
        return target
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E else f"%{byte:02X}" for byte in target.encode("utf-8", "replace"))
