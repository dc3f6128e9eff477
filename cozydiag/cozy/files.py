"""The files of a cozy-stack on this machine: those it cannot do without, who may read them, and what stands in its way.

Of secrets only existence, owner and mode are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from cozydiag.couchdb import access
from cozydiag.cozy import settings
from cozydiag.cozy.flavour import Flavour
from cozydiag.cozy.secrets import may_read, open_to_all, user_of
from cozydiag.findings import ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import ourselves, root
from cozydiag.text import t

ROLE = "cozy.stack"
USER: Final = "cozy-stack"

_CLOSED: Final = ("/etc/cozy/.cozy-admin-passphrase", "/etc/cozy/cozy.yml.local", "/etc/cozy/vault.dec")
"""What only root or cozy-stack may read (cozy's Debian packages)."""

_FOLDERS: Final = ("/var/lib/cozy", "/var/lib/cozy/.cozy", "/var/lib/cozy/.config/cozy")
"""Looked through before /etc/cozy: the folder that it is started in, then its user's own (`pkg/config`)."""


def look(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    if flavour.container is not None:
        yield skip(t("{name} has its files inside of its container", name=flavour.name))
        return
    seen = settings.read(host, _files(flavour))
    found = [*_settings(host, stack, seen), *_secrets(host, seen), *_strays(host)]
    yield from found
    for path in seen.closed:
        text = t("{path} cannot be read, so what it says was not looked at", path=path)
        yield unknown("cozystack.config_closed", text, unlock=ourselves("status", stack.config))
    if not found and not seen.closed:
        yield (
            ok(t("the files of cozy-stack are there and in order"))
            if seen.files
            else skip(t("no configuration of cozy-stack is here"))
        )


def _files(flavour: Flavour) -> tuple[str, ...]:
    """Those that it was found with, where these are not the usual ones (`-c`)."""
    own = tuple(one.source for one in flavour.evidence if one.source.endswith((".yml", ".yaml", ".local")))
    return settings.FILES if all(path in settings.FILES for path in own) else own


def _settings(host: Host, stack: Stack, seen: settings.Settings) -> Iterator[Finding]:
    storage = seen.get("fs.url").removeprefix("file://")
    if storage.startswith("/") and _missing(host, storage):
        yield warn(
            "cozystack.storage",
            t("the folder of cozy-stack's files, {path}, does not exist", path=storage),
            t("See whether its disk is mounted; restore it from a backup before cozy-stack makes an empty one."),
            role=ROLE, proof=_told(seen, "fs.url"), by_hand=f"ls -ld {quote(storage)}", restart_helps=False,
        )  # fmt: skip
    command = seen.get("konnectors.cmd")
    if command.startswith("/") and _missing(host, command):
        yield warn(
            "cozystack.konnectors",
            t("the program that runs konnectors, {path}, does not exist", path=command),
            t("Install it, or correct konnectors.cmd in cozy.yml; until then every konnector fails."),
            role=ROLE, affects=(), proof=_told(seen, "konnectors.cmd"), restart_helps=False,
            by_hand=f"ls -l {quote(command)}",
        )  # fmt: skip
    url, reply = seen.get("couchdb.url"), access.root(stack, host)
    modern = not isinstance(reply, Failure) and reply.version.startswith("3.")
    if modern and url.startswith("http") and "@" not in url:
        yield warn(
            "cozystack.couchdb_login",
            t("couchdb.url has no user and password: CouchDB 3 lets nobody in like that"),
            t("Write http://USER:PASSWORD@127.0.0.1:5984/ into /etc/cozy/cozy.yml.local, then restart cozy-stack."),
            role=ROLE, proof=_told(seen, "couchdb.url"), certainty="likely", restart_helps=False, affects=(),
        )  # fmt: skip


def _secrets(host: Host, seen: settings.Settings) -> Iterator[Finding]:
    name = seen.get("admin.secret_filename", "cozy-admin-passphrase")
    passphrase = f"{settings.FOLDER}/{name}"
    if seen.files and all(_missing(host, f"{folder}/{name}") for folder in (settings.FOLDER, *_FOLDERS)):
        yield warn(
            "cozystack.passphrase_missing",
            t("{path} is missing: cozy-stack does not start again without it", path=passphrase),
            t("Run `sudo cozy-stack config passwd /etc/cozy/cozy-admin-passphrase`, and give the file to cozy-stack."),
            role=ROLE, proof=Evidence(passphrase, "no such file"), restart_helps=False, affects=(),
        )  # fmt: skip
    keys = [key for key in ("vault.credentials_encryptor_key", "vault.credentials_decryptor_key") if seen.get(key)]
    for path in (seen.get(key) for key in keys):
        if path.startswith("/") and _missing(host, path):
            yield warn(
                "cozystack.keyring",
                t("{path}, a key of cozy-stack's vault, is missing", path=path),
                t("Put it back from a backup: a new one makes what was encrypted with the old one useless."),
                role=ROLE, proof=Evidence(path, "no such file"), restart_helps=False, affects=(),
            )  # fmt: skip
    user = _user(host)
    used = [passphrase, *(path for path in seen.files if path.endswith(".local")), *map(seen.get, keys)]
    for path in dict.fromkeys(used):
        found = host.stat(path)
        if user is not None and not isinstance(found, Failure) and not may_read(host, found, user):
            yield warn(
                "cozystack.permission",
                t("cozy-stack's user may not read {path}: it does not start again", path=path),
                t("Give the file to that user."),
                role=ROLE, commands=(f"{root(host)}chown {USER} {quote(path)}",), restart_helps=False, affects=(),
                proof=Evidence(path, f"mode {found.st_mode & 0o7777:04o}, user {found.st_uid}, group {found.st_gid}"),
            )  # fmt: skip
    for path in dict.fromkeys((*_CLOSED, seen.get("vault.credentials_decryptor_key"))):
        found = host.stat(path) if path.startswith("/") else Failure("missing", "")
        if not isinstance(found, Failure):
            yield from open_to_all(host, path, found)


def _strays(host: Host) -> Iterator[Finding]:
    for path in (f"{folder}/cozy.yml" for folder in _FOLDERS):
        if not isinstance(host.stat(path), Failure):
            yield warn(
                "cozystack.stray_config",
                t("{path} is read in the place of /etc/cozy/cozy.yml", path=path),
                t("If nobody means that, move it away and restart cozy-stack."),
                role=ROLE, proof=Evidence(path, "exists"), certainty="likely", restart_helps=False, affects=(),
            )  # fmt: skip


def _user(host: Host) -> int | None:
    """Whom it runs as; where it does not, whom the packages make for it."""
    running = [one.uid for one in host.find(("cozy-stack",)) if "serve" in one.cmdline]
    return running[0] if running else user_of(host, USER)


def _missing(host: Host, path: str) -> bool:
    seen = host.stat(path)
    return isinstance(seen, Failure) and seen.kind == "missing"


def _told(seen: settings.Settings, key: str) -> Evidence:
    """Where it was read; never the value, which may hold a password."""
    return Evidence(seen.origin(key) or settings.FOLDER, key)
