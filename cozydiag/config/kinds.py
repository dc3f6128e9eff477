"""The kinds of values that settings take: each function gives the value, or raises Wrong with what it must be."""

from typing import NamedTuple

from cozydiag.config.values import Secret
from cozydiag.host import url as urls
from cozydiag.text import Text, t


class Wrong(Exception):  # noqa: N818 - not an error of the program
    """``text`` says what ``key`` must be, never what it is: that may be secret."""

    def __init__(self, text: Text) -> None:
        self.text = text


class Address(NamedTuple):
    """An http or https address, without the user and the password that may have stood in it."""

    url: str
    host: str
    port: int
    tls: bool
    user: Secret | None = None
    password: Secret | None = None


def switch(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(t("{key} must be true or false", key=key))


def seconds(key: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86400:
        return float(value)
    raise Wrong(t("{key} must be a number of seconds, more than 0 and at most a day", key=key))


def waits(key: str, value: object) -> list[float]:
    """Three lengths of time, each at least as long as the one before."""
    if isinstance(value, list) and len(value) == 3:
        found = [seconds(key, one) for one in value]
        if found == sorted(found):
            return found
    raise Wrong(t("{key} must be a list of three numbers of seconds, none shorter than the one before", key=key))


def count(key: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1000:
        return value
    raise Wrong(t("{key} must be a whole number from 1 to 1000", key=key))


def word(key: str, value: object) -> str:
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value
    raise Wrong(t("{key} must be text in quotes, on one line and not empty", key=key))


def path(key: str, value: object) -> str:
    if isinstance(value, str) and value.startswith("/") and value.isprintable():
        return value
    raise Wrong(t("{key} must be a path in quotes that begins with /", key=key))


def words(key: str, value: object) -> list[str]:
    if isinstance(value, list):
        return [word(key, item) for item in value]
    raise Wrong(t("{key} must be a list of texts in quotes", key=key))


def endpoint(key: str, value: object) -> tuple[str, int]:
    """`127.0.0.1:80`, `[::1]:80`"""
    import ipaddress

    host, _, port = (value if isinstance(value, str) else "").rpartition(":")
    try:
        if (
            host.startswith("[") != (":" in host)
            or not (port.isascii() and port.isdigit())
            or not 0 < int(port) < 65536
        ):
            raise ValueError
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise Wrong(t("{key} must be an IP address and a port, such as 127.0.0.1:80", key=key)) from None


def url(key: str, value: object) -> Address:
    """An address without a user and a password."""
    address = url_with_user(key, value)
    if address.user is not None:
        raise Wrong(t("{key} must not hold a user and a password: others read this address too", key=key))
    return address


def url_with_user(key: str, value: object) -> Address:
    parsed = urls.parse(value) if isinstance(value, str) else None
    if parsed is None:
        raise Wrong(t("{key} must be an address in quotes that begins with http:// or https://", key=key))
    userinfo, plain = _split(str(value))
    user, password = _credentials(userinfo) if userinfo else (None, None)
    return Address(plain, parsed.host, parsed.port, parsed.scheme == "https", user, password)


def web(key: str, value: object) -> str:
    """An address as it is: a user and a password may be in it, and its path may be a secret."""
    url_with_user(key, value)
    return str(value)


def weeks(key: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 60 <= value <= 28 * 86400:
        return float(value)
    raise Wrong(t("{key} must be a number of seconds, from a minute to four weeks", key=key))


def _split(url: str) -> tuple[str, str]:
    """What stands before the @ of the host, and the address without it."""
    scheme, _, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    userinfo, _, place = rest[:end].rpartition("@")
    return userinfo, f"{scheme}://{place}{rest[end:]}"


def _credentials(userinfo: str) -> tuple[Secret, Secret]:
    from urllib.parse import unquote

    user, _, password = userinfo.partition(":")
    return Secret(unquote(user)), Secret(unquote(password))
