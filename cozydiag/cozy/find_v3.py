"""cozy-stack on this machine itself: by its units, its processes, its files. Those in containers are told by their
engines."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cozydiag.cozy import settings
from cozydiag.cozy.discovery import url_of
from cozydiag.cozy.flavour import USUAL, Flavour, Place
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence

UNITS: Final = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
PROGRAMS: Final = ("/usr/bin/cozy-stack", "/usr/local/bin/cozy-stack")

_FLAGS: Final = {"--host": "host", "--port": "port", "-p": "port", "--admin-host": "admin.host",
                 "--admin-port": "admin.port", "-c": "config", "--config": "config"}  # fmt: skip
"""`cozy-stack serve --help`"""

_VARIABLES: Final = {f"COZY_{key.upper().replace('.', '_')}": key
                     for key in ("host", "port", "admin.host", "admin.port", "couchdb.url")}  # fmt: skip
"""What it reads from its environment goes over its files (cozy-stack, `pkg/config/config`)."""


class Told(NamedTuple):
    """What a unit or a process says: options by the key of the setting that they stand for. ``files`` has, for those
    that stand in a file of its environment, that file."""

    name: str
    way: str
    origin: str
    options: Mapping[str, str]
    files: Mapping[str, str] = {}

    def origin_of(self, *keys: str) -> str:
        """Where the first of these options that is given stands; "" where none is."""
        return next((self.files.get(key, self.origin) for key in keys if self.options.get(key)), "")


def find(host: Host) -> tuple[Flavour, ...]:
    """Each unit; else each process; else what was installed and does not run."""
    units = list(_units(host))
    served = [_flavour(host, one) for one in units]
    known = {place.url for flavour in served for place in flavour.places if place.role == "cozy.stack"}
    for one in _processes(host):
        flavour = _flavour(host, one)
        place = flavour.place("cozy.stack")
        if place is not None and place.url not in known:
            known.add(place.url)
            served.append(flavour)
    if served:
        return tuple(served)
    installed = [path for path in (*PROGRAMS, *settings.FILES) if not isinstance(host.stat(path), Failure)]
    return (_flavour(host, Told("cozy-stack", "", installed[0], {})),) if installed else ()


def options_of(words: Sequence[str]) -> dict[str, str]:
    """`--port 8081`, `--port=8081`"""
    found = {}
    for number, word in enumerate(words):
        flag, equals, value = word.partition("=")
        key = _FLAGS.get(flag)
        if key is not None:
            found[key] = value if equals else next(iter(words[number + 1 :]), "")
    return found


def _units(host: Host) -> Iterator[Told]:
    seen = set()
    for folder in UNITS:
        names = host.listdir(folder)
        for name in () if isinstance(names, Failure) else sorted(names):
            if name.startswith("cozy-stack") and name.endswith(".service") and name not in seen:
                seen.add(name)
                content = host.read(f"{folder}/{name}")
                if isinstance(content, bytes) and content:  # an empty one is masked
                    told = _of_unit(host, (content + _drop_ins(host, name)).decode("utf-8", "replace"))
                    yield Told(name.removesuffix(".service"), "systemd", f"{folder}/{name}", *told)


def _drop_ins(host: Host, unit: str) -> bytes:
    """What an administrator has put beside the unit (`systemctl edit`)."""
    folder = f"{UNITS[0]}/{unit}.d"
    names = host.listdir(folder)
    found = [] if isinstance(names, Failure) else [host.read(f"{folder}/{name}") for name in sorted(names)]
    return b"".join(b"\n" + content for content in found if isinstance(content, bytes))


def _of_unit(host: Host, text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The options, and the files that some of them stand in. What stands later wins, a file of the environment over
    all lines of it (systemd.exec), the command line over both."""
    flags: dict[str, str] = {}
    given: dict[str, str] = {}
    paths: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        key, _, value = line.partition("=")
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        if key.strip() == "ExecStart":
            flags.update(options_of(words))
        elif key.strip() == "Environment":
            given.update(_of_environment(words))
        elif key.strip() == "EnvironmentFile":
            paths = [*paths, value.strip().removeprefix("-")] if value.strip() else []
    files: dict[str, str] = {}
    for path in paths:
        content = host.read(path)
        lines = content.decode("utf-8", "replace").splitlines() if isinstance(content, bytes) else []
        found = _of_environment(lines)
        given.update(found)
        files.update(dict.fromkeys(found, path))
    return {**given, **flags}, {key: path for key, path in files.items() if key not in flags}


def _of_environment(words: Iterable[str]) -> dict[str, str]:
    """Of `NAME=value` those that cozy-stack takes for the settings looked at here."""
    pairs = ((name.strip(), value.strip().strip("\"'")) for name, _, value in (word.partition("=") for word in words))
    return {_VARIABLES[name]: value for name, value in pairs if name in _VARIABLES}


def boxed(host: Host) -> tuple[Flavour, ...]:
    """One in a container whose engine does not talk to this user."""
    found = [one for one in host.find(("cozy-stack",)) if "serve" in one.cmdline and _is_boxed(host, one.pid)]
    return tuple(
        Flavour("v3", "cozy-stack", "container", (Place("cozy.stack", "", f"process {one.pid}"),),
                (Evidence(f"process {one.pid}", "in a container"),))
        for one in found[:1]
    )  # fmt: skip


def _is_boxed(host: Host, pid: int) -> bool:
    group = host.read(f"/proc/{pid}/cgroup", max_bytes=4096)
    return isinstance(group, bytes) and any(word in group for word in (b"docker", b"libpod", b"containerd"))


def _processes(host: Host) -> Iterator[Told]:
    for one in host.find(("cozy-stack",)):
        if "serve" in one.cmdline and not _is_boxed(host, one.pid):
            yield Told(f"cozy-stack[{one.pid}]", "process", f"process {one.pid}", options_of(one.cmdline))


def _flavour(host: Host, told: Told) -> Flavour:
    files = (told.options["config"], told.options["config"] + ".local") if "config" in told.options else settings.FILES
    seen = settings.read(host, files)
    places = [_address("cozy.stack", "", 8080, told, seen), _address("cozy.admin", "admin.", 6060, told, seen)]
    if couchdb := told.options.get("couchdb.url") or seen.get("couchdb.url"):
        places.append(Place("couchdb", couchdb, told.origin_of("couchdb.url") or seen.origin("couchdb.url")))
    signs = [told.origin, *told.files.values(), *seen.files]
    evidence = tuple(Evidence(sign, "exists") for sign in dict.fromkeys(signs))
    return Flavour("v3", told.name, told.way, tuple(places), evidence)


def _address(role: str, prefix: str, usual: int, told: Told, seen: settings.Settings) -> Place:
    """Options of the command line win over the files."""
    name, port = told.options.get(f"{prefix}host", ""), told.options.get(f"{prefix}port", "")
    origin = told.origin_of(f"{prefix}port", f"{prefix}host")
    origin = origin or seen.origin(f"{prefix}port") or seen.origin(f"{prefix}host") or USUAL
    name = name or seen.get(f"{prefix}host", "localhost")
    port = port or seen.get(f"{prefix}port", str(usual))
    return Place(role, url_of(name, port if port.isdigit() else usual), origin)
