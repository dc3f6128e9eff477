"""What PM2 has saved (`dump.pm2`, written by `pm2 save`), and whether it is started with the machine."""

from __future__ import annotations

from collections.abc import Callable
from shlex import join
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.node import Place, keep

_WANTS: Final = "/etc/systemd/system/multi-user.target.wants"


class Saved(NamedTuple):
    """An app of the saved list. ``line`` starts it anew; its environment is not in it."""

    name: str
    wanted: bool
    instances: int
    mode: str
    line: tuple[str, ...]


def read(host: Host, place: Place, keep_secret: Callable[[str], object]) -> dict[str, Saved] | Failure:
    """By name; {} where nothing was ever saved."""
    import json

    content = host.read(f"{place.folder}/dump.pm2", max_bytes=64 << 20, follow=False)
    if isinstance(content, Failure):
        return {} if content.kind == "missing" else content
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        return Failure("protocol", "dump.pm2 is not what PM2 writes")
    found: dict[str, Saved] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            keep(entry, keep_secret)
            keep(entry.get("env"), keep_secret)
            name = one_line(entry["name"], 200)
            before = found[name].instances if name in found else 0
            found[name] = _saved(entry, name, before + 1)
    return found


def _saved(entry: dict[str, Any], name: str, instances: int) -> Saved:
    cluster = entry.get("exec_mode") == "cluster_mode"
    line = ["pm2", "start", _word(entry.get("pm_exec_path")), "--name", name]
    if entry.get("pm_cwd"):
        line += ["--cwd", _word(entry["pm_cwd"])]
    if cluster:
        line += ["-i", str(instances)]
    if entry.get("exec_interpreter") not in ("node", None):
        line += ["--interpreter", _word(entry["exec_interpreter"])]
    if entry.get("watch") is True:
        line.append("--watch")
    arguments = entry.get("args")
    if isinstance(arguments, list) and arguments:
        line += ["--", *map(_word, arguments)]
    mode = "cluster" if cluster else "fork"
    return Saved(name, entry.get("status") not in ("stopped", "stopping"), instances, mode, tuple(line))


def _word(value: Any) -> str:
    return one_line(str(value))


def line(place: Place, words: tuple[str, ...]) -> str:
    """A command line for this PM2, to be pasted."""
    return join((*place.prefix, *words))


def starts_at_boot(host: Host, place: Place) -> bool:
    """`pm2 startup` was carried out for this folder: an enabled unit names it, or there is its init script."""
    if place.folder in folders(host):
        return True
    scripts = host.listdir("/etc/init.d")
    usual = {f"pm2-{place.account}", "pm2-init.sh", "pm2"}
    return not isinstance(scripts, Failure) and bool(usual & set(scripts))


def folders(host: Host) -> list[str]:
    """The folders that enabled units of PM2 name."""
    names = host.listdir(_WANTS)
    found = []
    for name in () if isinstance(names, Failure) else names:
        unit = host.read(f"{_WANTS}/{name}") if name.startswith("pm2") else b""
        for row in () if isinstance(unit, Failure) else unit.decode("utf-8", "replace").splitlines():
            _, mark, folder = row.strip().strip('"').partition("PM2_HOME=")
            if mark and folder.startswith("/"):
                found.append(folder.rstrip("/"))
    return found
