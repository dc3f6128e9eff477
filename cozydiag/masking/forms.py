"""The ways in which a secret can be written."""

from __future__ import annotations

import re
from binascii import b2a_base64

_SHORT_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_URL_SAFE = str.maketrans("+/", "-_")


def forms(secret: str) -> set[str]:
    """``secret`` plain, in Base64 and in hex. What escapes letters one by one has too many mixtures: see `escaped`."""
    raw = secret.encode("utf-8", "surrogateescape")
    return {secret, secret.replace(" ", "+"), raw.hex(), raw.hex().upper()} | _base64(raw)


def escaped(secret: str) -> str:
    """A pattern of ``secret`` in URLs, in JSON and in JSON inside JSON: each letter as it is or escaped."""
    return "".join(map(_either, secret))


def _either(letter: str) -> str:
    percent = "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
    ways = [re.escape(letter), f"(?i:{percent})", f"(?i:{_json(letter)})"]
    if letter == " ":
        ways.append(r"\+")
    elif letter == "\\":
        ways[0] = r"\\{1,4}"
    elif letter in '"/':
        ways[0] = rf"\\{{0,3}}{letter}"
    elif letter in _SHORT_ESCAPES:
        ways.append(rf"\\{{1,3}}{_SHORT_ESCAPES[letter]}")
    return f"(?:{'|'.join(ways)})"


def _json(letter: str) -> str:
    """`\\u00e9`; two of them beyond the basic plane. The backslash is doubled, and escaped, inside another JSON."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(rf"\\{{1,3}}u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _base64(raw: bytes) -> set[str]:
    """Alone, with and without padding; inside something longer, where it can begin at each of three places and its
    first and last bits share a letter with its neighbours."""
    whole = b2a_base64(raw, newline=False).decode()
    found = {whole, whole.rstrip("=")}
    for lead in range(3):
        letters = b2a_base64(b"\0" * lead + raw, newline=False).decode()
        found.add(letters[(lead * 8 + 5) // 6 : (lead + len(raw)) * 8 // 6])
    return found | {form.translate(_URL_SAFE) for form in found}
