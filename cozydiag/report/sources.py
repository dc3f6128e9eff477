"""`report --list`: everything that a report may read on this machine. Nothing of it is touched to say so."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cozydiag.config import Config
from cozydiag.couchdb.layout import KINDS
from cozydiag.managers import supervisord
from cozydiag.proxies import nginx
from cozydiag.redaction import own
from cozydiag.report import configuration
from cozydiag.report.redacting import map_path
from cozydiag.text import Text, t

_SYSTEM = ["/proc/*", "/sys/fs/cgroup/*", "/etc/os-release", "/etc/hosts", "/etc/hostname", "/etc/passwd"]


def sources(config: Config) -> Iterator[tuple[Text, list[str]]]:
    """Kinds of sources and their names; `*` stands for any name, as in a shell."""
    version = f"{config.programs.get('nginx', 'nginx')} -v"
    yield t("Files of the system:"), _SYSTEM
    yield t("Configuration:"), _configuration(config)
    yield t("Logs:"), _logs(config)
    yield (
        t("Files whose secrets are looked for, so that they are hidden wherever else they stand:"),
        [*own.patterns(config), "supervisord: [include]", os.path.abspath(map_path(config))],
    )
    yield t("Sockets:"), [config.supervisord.socket] if config.supervisord.socket else list(supervisord.SOCKETS)
    yield t("Addresses (GET, HEAD):"), _addresses(config)
    yield t("Commands:"), [version, "systemctl show"] if config.discover else [version]
    command = "cozydiag status -v"
    yield t("What each check reads besides, and what it read, is in its evidence: {command}", command=command), []


def _configuration(config: Config) -> list[str]:
    named = (config.file.path if config.file else None, config.supervisord.conf, config.proxy.conf)
    usual = nginx.CONFIGURATIONS if config.discover and not config.proxy.conf else ()
    found = [*filter(None, named), *usual, *configuration.patterns(config)]
    state = os.path.join(config.state_folder, "state.db")
    return [*dict.fromkeys(found), "nginx: include", os.path.abspath(state)]


def _logs(config: Config) -> list[str]:
    usual = [kind.log for kind in KINDS if kind.log] if config.discover else []
    named = filter(None, (config.couchdb.log, config.paths.logs))
    return [*named, *usual, "supervisord: readLog, readProcess*Log", "nginx: access_log, error_log"]


def _addresses(config: Config) -> list[str]:
    return [config.couchdb.url, *(part.url for part in config.parts.values()), *(site.url for site in config.sites)]
