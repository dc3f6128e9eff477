"""Reads what people must know of an X.509 certificate (RFC 5280): whose, by whom, for which names, from when to when.

Of our own: the standard library only reads a certificate of a connection that it trusts, and the usual package for
it brings megabytes and a compiler's work where no wheel fits, for six fields.
"""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.certificates import der
from cozydiag.certificates.der import MalformedError, Value
from cozydiag.host.logs import one_line

_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"
_AUTHORITY_ACCESS = b"\x2b\x06\x01\x05\x05\x07\x01\x01"
_AUTHORITY_CERTIFICATE = b"\x2b\x06\x01\x05\x05\x07\x30\x02"
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class Certificate(NamedTuple):
    """``names`` are those it is valid for (`*.example.org`, IP addresses); ``subject`` and ``issuer`` are for people.
    Times are epoch seconds. ``fetchable``: it says where its issuer's certificate can be had, as those of public
    authorities do. ``raw`` is the DER itself: two certificates are the same when it is."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    self_signed: bool
    fetchable: bool
    raw: bytes

    @property
    def lifetime(self) -> float:
        """Seconds from its first to its last moment."""
        return self.not_after - self.not_before


def parse(raw: bytes) -> Certificate:
    """The certificate in ``raw`` (DER). Raises MalformedError."""
    outer = der.first(raw)
    try:
        fields = der.first(outer.content).parts()
        if fields[0].tag == 0xA0:  # the version, which the first version leaves out
            del fields[0]
        _, _, issuer, validity, subject, _, *more = fields
        begin, end = validity.parts()
        extensions = _extensions(more)
        return Certificate(
            _words(subject),
            _words(issuer),
            _names(extensions.get(_ALTERNATIVE_NAMES)),
            _moment(begin),
            _moment(end),
            issuer.whole == subject.whole,
            _fetchable(extensions.get(_AUTHORITY_ACCESS)),
            outer.whole,
        )
    except (IndexError, ValueError, OverflowError) as error:
        raise MalformedError(str(error)) from None


def pem(content: bytes) -> list[Certificate]:
    """The certificates of a PEM file, in its order. Raises MalformedError for one that is none."""
    import base64

    found = []
    for block in content.split(_BEGIN)[1:]:
        try:
            found.append(parse(base64.b64decode(block.partition(_END)[0])))
        except ValueError as error:
            raise MalformedError(str(error)) from None
    return found


def _extensions(fields: list[Value]) -> dict[bytes, bytes]:
    block = next((field for field in fields if field.tag == 0xA3), None)
    found = {}
    for extension in der.first(block.content).parts() if block is not None else ():
        parts = extension.parts()  # identifier, perhaps whether it is critical, and the value
        found[parts[0].content] = parts[-1].content
    return found


def _names(extension: bytes | None) -> tuple[str, ...]:
    found = []
    for name in der.first(extension).parts() if extension is not None else ():
        if name.tag == der.CONTEXT + 2:
            found.append(one_line(name.content.decode("ascii", "replace")).lower())
        elif name.tag == der.CONTEXT + 7 and len(name.content) in (4, 16):
            import ipaddress

            found.append(str(ipaddress.ip_address(name.content)))
    return tuple(found)


def _fetchable(extension: bytes | None) -> bool:
    ways = der.first(extension).parts() if extension is not None else []
    return any(way.parts()[0].content == _AUTHORITY_CERTIFICATE for way in ways)


def _words(name: Value) -> str:
    """The common name, else the organization."""
    found = {}
    for attributes in name.parts():
        for attribute in attributes.parts():
            identifier, value = attribute.parts()
            encoding = "utf-16-be" if value.tag == 0x1E else "utf-8"
            found[identifier.content] = one_line(value.content.decode(encoding, "replace"), 200)
    return found.get(_COMMON_NAME) or found.get(_ORGANIZATION) or "?"


def _moment(value: Value) -> float:
    """UTCTime has two digits for the year: from 50 on they are those of the last century."""
    from calendar import timegm
    from time import strptime

    text = value.content.decode("ascii", "replace")
    if value.tag == 0x17:
        text = ("19" if text[:2] >= "50" else "20") + text
    return float(timegm(strptime(text, "%Y%m%d%H%M%SZ")))
