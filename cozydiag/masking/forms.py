"""The ways in which a secret can be written."""

from __future__ import annotations

import re
from binascii import b2a_base64

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_URL_SAFE = str.maketrans("+/", "-_")


def forms(secret: str) -> set[str]:
    """``secret`` plain, in JSON, Base64 and hex. Percent-encoding has too many mixtures: see `percent_encoded`."""
    raw = secret.encode("utf-8", "surrogateescape")
    found = {secret, secret.replace(" ", "+"), raw.hex(), raw.hex().upper()}
    return found | _json(secret) | _base64(raw)


def percent_encoded(secret: str) -> str:
    """A pattern of ``secret`` in URLs: each character as it is or percent-encoded, in either case of letters."""
    return "".join(map(_either, secret))


def _either(letter: str) -> str:
    code = "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
    space = r"|\+" if letter == " " else ""
    return rf"(?:{re.escape(letter)}|(?i:{code}){space})"


def _json(secret: str) -> set[str]:
    """As JSON writes it: letters beyond ASCII and slashes escaped or not, and once more for JSON inside JSON."""
    plain = "".join(_ESCAPES.get(letter, letter) for letter in secret)
    found = {plain, _ascii(plain, "04x"), _ascii(plain, "04X")}
    found |= {form.replace("/", "\\/") for form in found}
    return found | {form.replace("\\", "\\\\").replace('"', '\\"') for form in found}


def _ascii(text: str, digits: str) -> str:
    """Beyond the basic plane JSON writes two surrogates."""
    if text.isascii():
        return text
    units = text.encode("utf-16-be", "surrogatepass")
    pairs = (units[at] << 8 | units[at + 1] for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:{digits}}" for unit in pairs)


def _base64(raw: bytes) -> set[str]:
    """Alone, with and without padding; inside something longer, where it can begin at each of three places and its
    first and last bits share a letter with its neighbours."""
    whole = b2a_base64(raw, newline=False).decode()
    found = {whole, whole.rstrip("=")}
    for lead in range(3):
        letters = b2a_base64(b"\0" * lead + raw, newline=False).decode()
        found.add(letters[(lead * 8 + 5) // 6 : (lead + len(raw)) * 8 // 6])
    return found | {form.translate(_URL_SAFE) for form in found}
