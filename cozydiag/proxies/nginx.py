"""nginx: its processes and its configuration, without running it.

`nginx -t` is never run to look: as root it creates the pid file, logs and folders.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence
from cozydiag.proxies import processes
from cozydiag.proxies.protocol import Configuration, Mistake, Running

PID_FILES = ("/run/nginx.pid", "/var/run/nginx.pid", "/run/nginx/nginx.pid", "/usr/local/nginx/logs/nginx.pid")
CONFIGURATIONS = ("/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf")
LOGS = ("/var/log/nginx/error.log",)
"""Where errors go when the configuration does not say: Debian, Fedora and Alpine build it so."""

_FOLDERS = ("conf.d", "default.d", "http.d", "sites-enabled", "sites-available", "modules-enabled", "snippets")


def running(host: Host, pid_file: str | None, discover: bool) -> Running | None:
    """The running nginx, by its pid file, else (``discover``) by the oldest process of that name."""
    return processes.running(host, ("nginx",), (pid_file,) if pid_file else PID_FILES, discover)


def newest_change(host: Host, configuration: str) -> float:
    """When a file of the configuration was last changed (epoch seconds)."""
    return processes.newest(host, configuration, _FOLDERS)


def parse(path: str, *, strict: bool = False, contents: Mapping[str, bytes] | None = None) -> Configuration:
    """The configuration as it stands on disk, by crossplane. ``strict``: unknown directives are mistakes too.

    ``contents`` are the files, where they are on no disk. Not ``combine=True``, which gives wrong file names to what
    follows an include (crossplane issue 95).
    """
    from cozydiag.proxies.nginx_tree import Tree

    files = read(path, strict=strict, contents=contents)
    errors = [(file["file"], error) for file in files for error in file["errors"]]
    closed = tuple(file for file, error in errors if "Permission denied" in str(error["error"]))
    mistakes = tuple(_mistake(file, error) for file, error in errors if file not in closed)
    tree = Tree(files)
    if not errors and tree.lacks_events():
        mistakes = (Mistake(path, 0, 'no "events" section in configuration'),)
    names = tuple(dict.fromkeys(file["file"] for file in files if file["file"] not in closed))
    return Configuration(tree.servers(), mistakes, closed, names, tree.error_logs())


def read(path: str, *, strict: bool = False, contents: Mapping[str, bytes] | None = None) -> list[dict[str, Any]]:
    """Its files with their directives and errors, as crossplane gives them."""
    if contents is not None:
        from cozydiag.proxies.nginx_text import parsed

        return parsed(path, contents, strict=strict)
    import crossplane

    return crossplane.parse(path, strict=strict, catch_errors=True)["config"]  # type: ignore[no-any-return]


def _mistake(file: str, error: dict[str, Any]) -> Mistake:
    line = error.get("line")
    message = str(error["error"]).removesuffix(f" in {file}:{line}").removesuffix(f" in {file}")
    return Mistake(file, line if isinstance(line, int) else 0, message)


class Nginx(NamedTuple):
    """nginx as one of the proxies here."""

    configuration: str
    program: str = "nginx"
    pid_file: str | None = None
    discover: bool = True

    @property
    def name(self) -> str:
        return "nginx"

    def running(self, host: Host) -> Running | None:
        return running(host, self.pid_file, self.discover)

    def version(self, host: Host) -> str | None:
        done = host.run((self.program, "-v"))
        said = b"" if isinstance(done, Failure) else done.stderr
        return said.decode("utf-8", "replace").partition("nginx/")[2].split(" ")[0].strip() or None

    def test(self) -> tuple[str, ...]:
        usual = self.configuration in CONFIGURATIONS
        return (self.program, "-t") if usual else (self.program, "-t", "-c", self.configuration)

    def read(self, host: Host) -> Configuration | Failure:
        seen = host.stat(self.configuration)
        return seen if isinstance(seen, Failure) else parse(self.configuration, contents=host.contents)

    def changed(self, host: Host) -> float:
        return newest_change(host, self.configuration)

    def last_error(self, host: Host, logs: tuple[str, ...], since: float, words: tuple[str, ...]) -> Evidence | None:
        from cozydiag.proxies.logs import last_line, local

        paths = logs or LOGS
        return last_line(host, paths, since, words, lambda line: local(line[:19], "%Y/%m/%d %H:%M:%S"))
