"""The login that an app uses for CouchDB, as its own files hold it."""

from binascii import b2a_base64  # base64 would bring struct
from typing import NamedTuple


class Credentials(NamedTuple):
    """A user and a password; or what stands for both: a token (``bearer``), or the ``cookie`` of a session."""

    user: str
    password: str
    bearer: str = ""
    cookie: str = ""

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, password=***)"

    @property
    def header(self) -> tuple[str, str]:
        if self.bearer:
            return ("Authorization", f"Bearer {self.bearer}")
        if self.cookie:
            return ("Cookie", f"AuthSession={self.cookie}")
        return ("Authorization", "Basic " + b2a_base64(f"{self.user}:{self.password}".encode(), newline=False).decode())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no output may hold."""
        both = (self.password, f"{self.user}:{self.password}") if self.password else ()
        return (*both, self.bearer, self.cookie, self.header[1].partition(" ")[2])


def from_login_file(content: bytes) -> Credentials | None:
    """`/etc/cozy/couchdb.login`: the user on the first line, the password on the second, nothing else."""
    lines = content.decode("utf-8", "replace").split("\n")
    user, password = lines[0].strip(), lines[1].strip() if len(lines) > 1 else ""
    return Credentials(user, password) if user and password else None


_COUCHDB = rb"(?m)^couchdb:[ \t]*(?:#.*)?\r?\n((?:[ \t]+.*\n?|[ \t]*(?:#.*)?\r?\n)*)"
_URL = rb"""(?m)^[ \t]+url:[ \t]*["']?(https?://[^\s"'#]+)"""


def url_in_stack_file(content: bytes) -> str | None:
    """The address, with user and password, under `couchdb:` in a cozy-stack's configuration.

    It is no YAML before cozy-stack has rendered it (Go templates), so only this one line is looked for; a template
    in it gives None (cozy-stack, `pkg/config/config.go`).
    """
    import re

    section = re.search(_COUCHDB, content if content.endswith(b"\n") else content + b"\n")
    url = re.search(_URL, section[1]) if section else None
    found = url[1].decode("utf-8", "replace") if url else None
    return None if found is None or "{{" in found else found


class ServiceKey(NamedTuple):
    """Cloudant's credentials: a user and a password (`legacy`), or an API key of the IAM, or both."""

    credentials: Credentials | None
    apikey: str

    def __repr__(self) -> str:
        return "ServiceKey(***)"


def from_service_key(content: bytes) -> ServiceKey | None:
    """A Cloudant service key in JSON, or VCAP_SERVICES that has one (IBM Cloud docs, "Locating your service
    credentials"); None where it is none."""
    if not content.lstrip().startswith(b"{"):
        return None
    import json

    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    outer = found.get("VCAP_SERVICES", found) if isinstance(found, dict) else None
    services = outer.get("cloudantNoSQLDB") if isinstance(outer, dict) else None
    if isinstance(services, list) and services and isinstance(services[0], dict):
        found = services[0].get("credentials")
    if not isinstance(found, dict):
        return None
    words = {name: str(found.get(name) or "") for name in ("username", "password", "apikey")}
    basic = Credentials(words["username"], words["password"]) if words["username"] and words["password"] else None
    return ServiceKey(basic, words["apikey"]) if basic or words["apikey"] else None
