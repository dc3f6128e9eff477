"""What a server stands on and what changes behind one's back: files of settings, installed packages, certificates.

A few dozen calls of stat(2): no file is read.
"""

from __future__ import annotations

from typing import Any

from cozydiag.config import Config
from cozydiag.host import Host
from cozydiag.host.failure import Failure

PACKAGES = ("/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages")
"""What the package managers of Debian, Alpine and Fedora rewrite with every change."""

_FILES = (
    "/etc/cozy", "/etc/nginx", "/etc/nginx/sites-enabled", "/etc/nginx/conf.d", "/etc/apache2",
    "/etc/apache2/sites-enabled", "/etc/httpd/conf.d", "/etc/caddy", "/etc/haproxy", "/etc/supervisor",
    "/etc/supervisor/conf.d", "/etc/couchdb", "/opt/couchdb/etc", "/opt/couchdb/etc/local.d", "/etc/postfix",
    "/etc/systemd/system", "/etc/letsencrypt/live", "/etc/cozydiag",
)  # fmt: skip
_EACH = 40  # files of one folder: a certificate folder of a thousand sites says nothing more


def look(host: Host, config: Config) -> dict[str, Any]:
    """`files` by path with time and size of the last change, `packages` with the time."""
    folders = [*_FILES] if config.discover else []
    named = [config.file.path if config.file else None, config.supervisord.conf, config.proxy.conf,
             config.couchdb.credentials_file, config.couchdb.etc]  # fmt: skip
    files: dict[str, list[int]] = {}
    for path in filter(None, (*folders, *named)):
        _add(host, path, files)
        names = host.listdir(path)
        for name in [] if isinstance(names, Failure) else sorted(names)[:_EACH]:
            _add(host, f"{path}/{name}", files)
    found: dict[str, Any] = {"files": files}
    if config.discover:
        times = [host.stat(path) for path in PACKAGES]
        found["packages"] = next((int(one.st_mtime) for one in times if not isinstance(one, Failure)), 0)
    return found


def _add(host: Host, path: str, files: dict[str, list[int]]) -> None:
    seen = host.stat(path)
    if not isinstance(seen, Failure) and seen.st_mode & 0o170000 == 0o100000:
        files[path] = [int(seen.st_mtime), seen.st_size]
