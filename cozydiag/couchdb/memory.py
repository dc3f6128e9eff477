"""A refused login, remembered between runs until the file with the credentials changes."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from cozydiag.couchdb.client import Reply
from cozydiag.host import files
from cozydiag.host.failure import Failure

if TYPE_CHECKING:
    from cozydiag.config import Config

_KEY = "couchdb.refusal"
VOLATILE = "/run/cozydiag"
"""Where root remembers it when the state cannot be written (a full or read-only disk): until the next boot."""


Mark = tuple[Any, ...]
"""Which credentials, at which server; it changes with them."""


def recall(config: Config) -> Reply | None:
    """How the login with these very credentials was refused in an earlier run, and when (`at`, epoch seconds); None
    when it may be tried."""
    return refusals(config).get(mark(config))


def refusals(config: Config) -> dict[Mark, Reply]:
    """The same of all credentials, those of other servers too.

    The database is opened only if the key stands in the file somewhere: most have never been refused, and SQLite
    alone costs half a bare interpreter.
    """
    found = {}
    for kept in _entries(config):
        said = {key: kept.get(key, "") for key in ("error", "reason", "at")}
        found[tuple(kept["credentials"])] = Reply(int(kept.get("status", 401)), said, "")
    return found


def _entries(config: Config) -> list[dict[str, Any]]:
    found = (*_listed(_of_state(config)), *_listed(_of_spare()))
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("credentials"), list)]


def _listed(kept: Any) -> list[Any]:
    return kept if isinstance(kept, list) else [kept]


def remember(config: Config, refusal: Reply, of: Mark | None = None) -> None:
    """So that the next run does not try again, and knows since when; ``of`` the apps' own credentials where none are
    given. No word of them is kept, only which file, as it is now."""
    of = of or mark(config)
    error, reason = (str(refusal.data.get(key, ""))[:200] for key in ("error", "reason"))
    kept = {"status": refusal.status, "error": error, "reason": reason, "at": time.time(), "credentials": [*of]}
    every = [*(one for one in _entries(config) if one["credentials"][:2] != [*of[:2]]), kept]
    _set(config, every)
    if of not in refusals(config):
        _write_spare(every)


def keep(config: Config, refusal: Reply | None) -> None:
    """Remember what was refused, unless an earlier run did."""
    if refusal is not None and recall(config) is None:
        remember(config, refusal)


def forget(config: Config) -> None:
    """Let the next run try once more, whichever credentials were refused."""
    if _of_state(config) is not None or _of_spare() is not None:
        _set(config, None)
        with contextlib.suppress(OSError):
            os.unlink(_spare())


def may_try(config: Config) -> bool:
    """Whether a refusal could be remembered: without that each run would try again, until the account is locked."""
    return any(_writable(path) for path in (config.state_folder, _spare()) if path)


def _writable(path: str) -> bool:
    """A folder that is there, or that could be made."""
    while path not in ("", "/") and not os.path.exists(path):
        path = os.path.dirname(path)
    return os.access(path or "/", os.W_OK)


def _of_state(config: Config) -> Any:
    folder = config.state_folder
    content = files.read(os.path.join(folder, "state.db"), max_bytes=16 << 20)
    if isinstance(content, Failure) or _KEY.encode() not in content:
        return None
    from cozydiag.state import open_state

    state = open_state(folder)
    try:
        return state.get(_KEY)
    finally:
        state.close()


def _set(config: Config, value: Any) -> None:
    from cozydiag.state import open_state

    state = open_state(config.state_folder)
    try:
        state.set(_KEY, value)
    finally:
        state.close()


def _spare() -> str:
    """A file in memory, of a folder that nobody else can write to; "" where there is none."""
    if os.geteuid() == 0:
        return f"{VOLATILE}/refusal.json"
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return f"{folder}/cozydiag-refusal.json" if folder.startswith("/") else ""


def _of_spare() -> Any:
    content = files.read(_spare(), max_bytes=1 << 16, follow=False) if _spare() else b""
    if isinstance(content, Failure) or not content:
        return None
    import json

    try:
        return json.loads(content)
    except ValueError:
        return None


def _write_spare(kept: list[dict[str, Any]]) -> None:
    import json

    path = _spare()
    with contextlib.suppress(OSError):
        if os.geteuid() == 0:
            os.makedirs(VOLATILE, 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)


def mark(config: Config) -> Mark:
    """That of the apps' own credentials: those of the configuration come first, and its file changes with them."""
    couchdb = config.couchdb
    if couchdb.user is None or couchdb.password is None:
        return _of_file(couchdb.url, couchdb.credentials_file)
    origin = config.origins.get("couchdb.url", "")  # a line of a file: cozydiag's own, or cozy-stack's
    if origin.startswith("environment"):
        return _of_words(couchdb.url, "environment", f"{couchdb.user.reveal()}:{couchdb.password.reveal()}")
    return _of_file(couchdb.url, origin.rpartition(":")[0] or (config.file.path if config.file is not None else ""))


def mark_of(url: str, origin: str, words: str) -> Mark:
    """That of others, ``words``, which stand at ``origin``: in a line of a file, or where no file is."""
    path = origin.rpartition(":")[0] or origin
    return _of_words(url, origin, words) if isinstance(files.stat(path), Failure) else _of_file(url, path)


def _of_words(url: str, origin: str, words: str) -> Mark:
    """Those that have no file are told apart by one byte, from which no password can be had."""
    return (url, origin, sum(words.encode()) & 0xFF)


def _of_file(url: str, path: str) -> Mark:
    found = files.stat(path)
    if isinstance(found, Failure):
        return (url, path, found.kind)
    return (url, path, found.st_ino, found.st_size, found.st_mtime_ns)
