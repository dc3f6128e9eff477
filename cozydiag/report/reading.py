"""`report --list`: everything that a report may read on this machine. Nothing of it is touched to say so."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cozydiag.config import Config
from cozydiag.couchdb.layout import KINDS
from cozydiag.managers import supervisord
from cozydiag.proxies import nginx
from cozydiag.redaction import own
from cozydiag.report.redacting import map_path
from cozydiag.text import Text, t


def reading(config: Config) -> Iterator[tuple[Text, list[str]]]:
    """Kinds of sources and their names; `*` stands for any name, as in a shell."""
    yield t("Files of the system:"), ["/proc/*", "/sys/fs/cgroup/*", "/etc/os-release", "/etc/hosts", "/etc/hostname", "/etc/passwd"]
    yield t("Configuration:"), _configuration(config)
    yield t("Logs:"), _logs(config)
    yield t("Files whose secrets are looked for, so that they are hidden wherever else they stand:"), _secrets(config)
    yield t("Sockets:"), [config.supervisord.socket or " | ".join(supervisord.SOCKETS)]
    yield t("Addresses (GET, HEAD):"), _addresses(config)
    yield t("Commands:"), [f"{config.programs.get('nginx', 'nginx')} -v", "systemctl show …"] if config.discover else [f"{config.programs.get('nginx', 'nginx')} -v"]
    yield t("What each check reads besides, and what it read, is in its evidence: {command}", command="cozydiag status -v"), []


def _configuration(config: Config) -> list[str]:
    named = [config.file.path if config.file else "", config.supervisord.conf or "", config.proxy.conf or ""]
    found = [path for path in named if path]
    return [*found, *(nginx.CONFIGURATIONS if config.discover and not config.proxy.conf else ())]


def _logs(config: Config) -> list[str]:
    found = [path for path in (config.couchdb.log, config.paths.logs) if path]
    return [*found, *(kind.log for kind in KINDS if kind.log and config.discover), "supervisord: readLog, readProcess*Log", "nginx: access_log, error_log"]


def _secrets(config: Config) -> list[str]:
    return [*own.patterns(config), os.path.abspath(map_path(config))]


def _addresses(config: Config) -> list[str]:
    return [config.couchdb.url, *(part.url for part in config.parts.values()), *(site.url for site in config.sites)]
