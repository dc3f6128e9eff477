"""What PM2 has saved (`dump.pm2`, written by `pm2 save`), and whether it is started with the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from shlex import join
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.node import Place, keep
from cozydiag.managers.service import Home

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
    mode = "cluster" if entry.get("exec_mode") == "cluster_mode" else "fork"
    wanted = entry.get("status") not in ("stopped", "stopping")
    return Saved(name, wanted, instances, mode, command(entry, name, instances))


def command(entry: dict[str, Any], name: str, instances: int) -> tuple[str, ...]:
    """What starts an app anew; ``entry`` is as PM2 saves it, and as it tells of it."""
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
    return tuple(line)


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


def folders(host: Host, place: str = _WANTS) -> list[str]:
    """The folders that PM2's units name: the enabled ones, unless another ``place`` is given."""
    names = host.listdir(place)
    units = [name for name in ([] if isinstance(names, Failure) else names) if name.startswith("pm2")]
    return [folder for name in units for folder in _homes(host, f"{place}/{name}")]


def everywhere(host: Host, homes: Sequence[Home]) -> list[str]:
    """The folders that units and the settings of shells name, also where nothing runs in them."""
    shared = host.listdir("/etc/profile.d")
    scripts = [] if isinstance(shared, Failure) else [f"/etc/profile.d/{name}" for name in shared]
    found = [*folders(host), *folders(host, "/etc/systemd/system")]
    for path in ("/etc/environment", "/etc/profile", *scripts):
        found += _homes(host, path)
    for home in homes:
        for name in (".profile", ".bashrc", ".bash_profile", ".zshrc", ".pam_environment"):
            found += _homes(host, f"{home.folder}/{name}", home.folder)
    return list(dict.fromkeys(found))


def _homes(host: Host, path: str, home: str = "") -> list[str]:
    """What a file says of PM2_HOME. ``home`` is its owner's, whom nobody has to trust."""
    content = host.read(path, follow=not home)
    found = []
    for row in [] if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines():
        _, mark, value = row.partition("PM2_HOME=")
        words = value.replace('"', " ").replace("'", " ").split()
        folder = words[0].rstrip("/") if words else ""
        for name in ("$HOME", "${HOME}", "~") if home else ():
            folder = home + folder.removeprefix(name) if folder.startswith(f"{name}/") else folder
        if mark and folder.startswith("/") and not row.lstrip().startswith("#"):
            found.append(folder)
    return found
