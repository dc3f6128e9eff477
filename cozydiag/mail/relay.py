"""To whom the Cozy and the mail server of this machine hand their mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from cozydiag.host import Failure, Host

MAIN_CF: Final = "/etc/postfix/main.cf"
INSTALLED: Final = (MAIN_CF, "/usr/sbin/exim4", "/etc/opensmtpd", "/etc/smtpd.conf")
"""What a mail server leaves on the disk."""

SMTPS: Final = 465
"""There TLS begins before the first word (RFC 8314); who waits for a greeting in clear waits for ever."""

_HOP = re.compile(r"\[?([\w.:-]+?)\]?(?::(\w+))?$")


class Relay(NamedTuple):
    """Where somebody hands his mail to. ``tls``: from the first byte on. ``origin`` is the file and line that says so,
    "" where nobody does and it is what everybody has."""

    host: str
    port: int
    tls: bool
    origin: str

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def lacks_tls(self) -> bool:
        return self.port == SMTPS and not self.tls


def installed(host: Host) -> bool:
    """Whether a mail server is installed on this machine."""
    return any(not isinstance(host.stat(path), Failure) for path in INSTALLED)


def local(host: Host, name: str) -> bool:
    return name.lower() == "localhost" or host.is_ours(name)


def of_cozy_stack(mail: Mapping[str, str], origin: str) -> Relay:
    """``mail`` has the keys of that section of `cozy.yml` (cozy-stack, cozy.example.yaml): localhost:25 without TLS is
    what it does when nothing is said."""
    port = mail.get("port", "")
    tls = mail.get("use_ssl", "").lower() == "true"
    return Relay(mail.get("host", "") or "localhost", int(port) if port.isdigit() else 25, tls, origin)


def of_postfix(host: Host) -> Relay | None:
    """The relay of postfix; None where it delivers by itself, or its settings are closed to this user."""
    content = host.read(MAIN_CF)
    if isinstance(content, Failure):
        return None
    settings = parameters(content.decode("utf-8", "replace"))
    words, line = settings.get("relayhost", ("", 0))
    match = _HOP.fullmatch(words)
    if match is None:
        return None
    port = {"smtp": 25, "submission": 587, "smtps": SMTPS, "submissions": SMTPS}.get(match[2] or "smtp", 0)
    tls = settings.get("smtp_tls_wrappermode", ("no", 0))[0] == "yes"
    return Relay(match[1], port or _port(match[2]), tls, f"{MAIN_CF}:{line}")


def _port(words: str) -> int:
    return int(words) if words.isdigit() else 25


def parameters(content: str) -> dict[str, tuple[str, int]]:
    """The settings of a main.cf with their lines; a line that begins with a blank goes on with the one before it
    (postconf(5)), and the last of several wins."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            if name:
                found[name] = (f"{found[name][0]} {line.strip()}".strip(), found[name][1])
            continue
        name, _, value = (part.strip() for part in line.partition("="))
        found[name] = (value, number)
    return found
