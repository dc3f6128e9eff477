"""Addresses of machines: IPv4, IPv6, hardware. Those that say nothing (private, loopback, well-known resolvers) stay,
and so do versions that look like one."""

from __future__ import annotations

import re
from socket import AF_INET6, inet_ntop, inet_pton

from cozydiag.redaction.pseudonyms import StandIns
from cozydiag.redaction.usual import RESOLVERS

_IPV4_TAIL = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d{1,3}")
"""Beginning with a dot, which is found faster than a digit."""

_COLONS = re.compile(r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:")
_DASHES = re.compile(r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}(?P<mark>[:-]))(?:[0-9A-Fa-f]{2}(?P=mark)){4}[0-9A-Fa-f]{2}(?![\w:-])")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])")
_VERSION_BEFORE = re.compile(
    r"(?:(?:version|release|\brev|\bver\.?|build|\bv)[\"']?[ :=]{0,3}[\"']?|==[\"']?|[\w.+-]-|(?<!\w)\d:|~|\+"
    r"|(?<![./\w])[A-Za-z][\w+-]{1,24}/)\Z",
    re.IGNORECASE,
)
_PRODUCT_BEFORE = re.compile(
    r"(?:(?<![\w.-])(?:lib[\w+-]{2,20}|couchdb|erts|otp|erlang|linux|kernel|openssl|supervisord?|python\d?|node(?:js)?"
    r"|npm|qt\d?|chrom(?:e|ium)|firefox|safari|edge|cozy[\w-]{0,16}|redis|java|openjdk)"
    r"|(?:up|down)grad\w{1,3}(?: from)?(?: [\d.]{7,15} to)?)[ \t]\(?\Z",
    re.IGNORECASE,
)
"""Programs that have versions of four numbers, and that no log names right before a client's address."""

_VERSION_WORDS = ("ver", "rel", "rev", "build", "v", "==")
_VERSION_AFTER = re.compile(r"[-+~]\w|\.\d|\.\*| (?:installed|available|released|upgraded)")
_PACKAGES = (
    ":amd64", ":arm64", ":armhf", ":armel", ":i386", ":riscv64", ":all ", "Setting up ", "Unpacking ",
    "Preparing to unpack ", "Selecting ", "Installing ", "Upgrading ", "Removing ",
)  # fmt: skip
"""What stands in lines about versions of packages (dpkg, apt, pip, dnf)."""

_NEAR = 160
_DIGITS = frozenset("0123456789")
_REMEMBERED = 100_000
"""Addresses that are remembered, of either sort."""


class Addresses:
    """Remembers what it has seen: logs say the same addresses again and again."""

    def __init__(self) -> None:
        self._dull: set[str] = set()
        self._shown: dict[str, str] = {}

    def hide(self, text: str, stand_ins: StandIns) -> str:
        """``text`` without the addresses in it."""
        text = self._without_ipv4(text, stand_ins)
        if _has_colons(text):
            text = "\n".join(_colons(line, stand_ins) if _has_colons(line) else line for line in text.split("\n"))
        return text

    def _without_ipv4(self, text: str, stand_ins: StandIns) -> str:
        pieces, done = [], 0
        packages = any(mark in text for mark in _PACKAGES)
        for found in _IPV4_TAIL.finditer(text):
            end = found.end()
            start = at = found.start()
            while at - start < 3 and start > done and text[start - 1] in _DIGITS:
                start -= 1
            said = text[start:end]
            if said in self._dull or start == at:
                continue
            if said not in self._shown and _says_nothing(said):
                self._dull.add(said)
            elif _is_address(text, start, end) and not (packages and _is_package(text, start)):
                pieces += [text[done:start], self._shown.get(said) or self._ipv4_stand_in(said, stand_ins)]
                done = end
        if len(self._dull) > _REMEMBERED:
            self._dull.clear()
        if len(self._shown) > _REMEMBERED:
            self._shown.clear()
        return "".join([*pieces, text[done:]]) if pieces else text

    def _ipv4_stand_in(self, said: str, stand_ins: StandIns) -> str:
        number = stand_ins.number("ip4-net", said.rpartition(".")[0])
        host = stand_ins.number(f"ip4-net{number}", said)
        shown = self._shown[said] = stand_ins.used("ip", f"<ip4-net{number}-host{host}>", said)
        return shown


def _colons(line: str, stand_ins: StandIns) -> str:
    line = _MAC.sub(lambda found: _mac(found, stand_ins), line)
    return _IPV6.sub(lambda found: _ipv6(found, stand_ins), line)


def _mac(found: re.Match[str], stand_ins: StandIns) -> str:
    address = found[0].lower().replace("-", ":")
    if address in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff") or address.startswith(("33:33:", "01:00:5e:")):
        return found[0]
    return stand_ins.used("mac", f"<mac{stand_ins.number('mac', address)}>", address)


def _ipv6(found: re.Match[str], stand_ins: StandIns) -> str:
    try:
        raw = inet_pton(AF_INET6, found[0])
    except OSError:
        return found[0]
    mapped = raw[:12] == bytes(10) + b"\xff\xff"
    if mapped:
        said = ".".join(map(str, raw[12:]))
        return found[0] if _says_nothing(said) or "." in found[0] else _ipv6_stand_in(raw, stand_ins)
    if (
        raw[:15] == bytes(15)
        or raw[0] in (0xFF, 0xFC, 0xFD)
        or (raw[0] == 0xFE and raw[1] >= 0x80)
        or found[0].lower() in RESOLVERS
        or not any(raw[:8])
    ):
        return found[0]
    return _ipv6_stand_in(raw, stand_ins)


def _ipv6_stand_in(raw: bytes, stand_ins: StandIns) -> str:
    number = stand_ins.number("ip6-net", raw[:8].hex())
    host = stand_ins.number(f"ip6-net{number}", raw.hex())
    return stand_ins.used("ip", f"<ip6-net{number}-host{host}>", inet_ntop(AF_INET6, raw))


def _says_nothing(address: str) -> bool:
    """Private, loopback, link-local, CGNAT, multicast, well-known; or no address at all."""
    parts = [int(part) for part in address.split(".")]
    a, b = parts[0], parts[1]
    if max(parts) > 255 or any(len(part) > 1 and part[0] == "0" for part in address.split(".")):
        return True
    if (
        a in (0, 10, 127)
        or a >= 224
        or (a == 192 and b == 168)
        or (a == 172 and 16 <= b < 32)
        or (a == 169 and b == 254)
    ):
        return True
    return (a == 100 and 64 <= b < 128) or address in RESOLVERS or address.endswith(".0.0.0")


def _has_colons(text: str) -> bool:
    """Whether there may be an IPv6 or a hardware address: a quick look."""
    return "::" in text or _COLONS.search(text) is not None or _DASHES.search(text) is not None


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether it is no version, and no part of something longer."""
    before, after = text[max(0, start - 28) : start].rpartition("\n")[2], text[end : end + 12]
    if before[-1:].isalnum() or before[-1:] in ("_", ".") or after[:1].isalnum() or after[:1] == "_":
        return False
    if _VERSION_AFTER.match(after):
        return False
    if before[-1:] in (" ", "(") and after[:1] not in (":", "/") and _PRODUCT_BEFORE.search(before):
        return False
    tail = before[-12:].lower()
    may_be = tail[-1:] in ("-", "~", "+", ":", "/") or any(word in tail for word in _VERSION_WORDS)
    return not may_be or _VERSION_BEFORE.search(before) is None


def _is_package(text: str, at: int) -> bool:
    """Whether its line, as far as it is near, is about versions of packages."""
    start = text.rfind("\n", max(0, at - _NEAR), at) + 1 or max(0, at - _NEAR)
    end = text.find("\n", at, at + _NEAR)
    near = text[start : end if end >= 0 else at + _NEAR]
    return any(mark in near for mark in _PACKAGES)
