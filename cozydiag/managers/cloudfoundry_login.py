"""The session that `cf login` has left in `~/.cf/config.json` (cf 7.3.0, util/configv3). It is only read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from cozydiag.host.logs import one_line
from cozydiag.managers.containers import table


class Login(NamedTuple):
    """What `~/.cf/config.json` holds of a session."""

    api: str
    log_cache: str
    space: str
    space_name: str
    token: str
    expires: float | None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return (("Authorization", f"bearer {self.token}"),)


def read(content: bytes, keep_secret: Callable[[str], object]) -> Login | None:
    """The session in the file; None where it is no such file. Its tokens go to ``keep_secret`` before anything else."""
    try:
        settings = table(json.loads(content))
    except (ValueError, RecursionError):
        return None
    space = table(settings.get("SpaceFields"))
    token = str(settings.get("AccessToken") or "").strip()
    token = token[7:].strip() if token[:7].lower() == "bearer " else token
    for secret in (token, str(settings.get("RefreshToken") or "")):
        if secret:
            keep_secret(secret)
    return Login(
        str(settings.get("Target") or "").rstrip("/"),
        str(settings.get("LogCacheEndPoint") or "").rstrip("/"),
        str(space.get("GUID") or ""),
        one_line(str(space.get("Name") or ""), 200),
        token if token.isascii() and token.isprintable() else "",
        _expires(token),
    )


def _expires(token: str) -> float | None:
    """What the token itself says; whether it is genuine is the server's to know."""
    import binascii
    from base64 import urlsafe_b64decode

    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        said = table(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))) if body else {}
    except (ValueError, binascii.Error, RecursionError):
        return None
    expires = said.get("exp")
    return float(expires) if isinstance(expires, (int, float)) else None
