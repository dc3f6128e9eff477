"""The settings: read from one TOML file, checked to the last key, each with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping

from cozydiag.config.error import ConfigError
from cozydiag.config.file import find
from cozydiag.config.schema import build
from cozydiag.config.values import (
    Config,
    CouchDB,
    Part,
    Paths,
    Proxy,
    Secret,
    Service,
    Site,
    Supervisord,
    Timing,
    secrets,
)

__all__ = [
    "Config",
    "ConfigError",
    "CouchDB",
    "Part",
    "Paths",
    "Proxy",
    "Secret",
    "Service",
    "Site",
    "Supervisord",
    "Timing",
    "load",
    "secrets",
]


def load(path: str | None, environ: Mapping[str, str]) -> Config:
    """The settings from ``path`` (``--config``), else ``COZYDIAG_CONFIG``, else the usual files, else the defaults.

    Raises ConfigError for anything that is not as it must be.
    """
    return build(find(path, environ), environ)
