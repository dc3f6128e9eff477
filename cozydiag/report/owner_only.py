"""What takes a service away, or all of them at once: shown with its effect as its owner would type it, never run."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import join
from typing import Final, NamedTuple

from cozydiag.managers.service import Manager, Service
from cozydiag.text import Text, t


class Never(NamedTuple):
    """``words`` stand where `stop` does; ``all``: no service is named behind them."""

    words: str
    effect: Text
    all: bool = False


_OF: Final[Mapping[str, tuple[Never, ...]]] = {
    "systemd": (Never("disable --now", t("ends it, and it does not start with the machine any more")),),
    "supervisord": (
        Never("remove", t("takes it off supervisord until its files are read anew")),
        Never("reload", t("restarts supervisord with every program that it looks after"), all=True),
    ),
    "pm2": (
        Never("delete", t("takes it off PM2's list: nothing starts it any more")),
        Never("kill", t("ends PM2 with every app that it looks after"), all=True),
    ),
    "forever": (Never("stopall", t("ends every script, and none is in forever's list any more"), all=True),),
    "strongpm": (Never("remove", t("deletes the app and its settings")),),
    "cozy-monitor": (Never("uninstall", t("deletes the app")),),
    "docker": (Never("rm --force", t("deletes the container, with all that is in none of its volumes")),),
    "podman": (Never("rm --force", t("deletes the container, with all that is in none of its volumes")),),
    "cloudfoundry": (Never("delete", t("deletes the app")),),
}


def never_run(manager: Manager, service: Service) -> list[tuple[str, Text]]:
    """Command lines, and what each would do."""
    line = list(manager.command(service, "stop"))
    if manager.name not in _OF or "stop" not in line or line[-2:-1] != ["stop"]:
        return []
    before, name = line[: line.index("stop")], line[-1]
    return [
        (join((*before, *one.words.split(), *(() if one.all else (name,)))), one.effect) for one in _OF[manager.name]
    ]
