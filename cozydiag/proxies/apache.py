"""Apache (`apache2` of Debian, `httpd` of Fedora and Alpine): its own dump of its configuration, its processes.

`apachectl` is not used to look: Debian's makes folders, Fedora's takes no arguments. mod_info is loaded for the one
call that prints the configuration (httpd.apache.org/docs/2.4/mod/mod_info.html, "Viewing module configuration").
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.commands import Completed
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence
from cozydiag.proxies import processes
from cozydiag.proxies.discovery import APACHE as CONFIGURATIONS
from cozydiag.proxies.protocol import Configuration, Running

PID_FILES = ("/run/apache2/apache2.pid", "/run/httpd/httpd.pid", "/run/apache2/httpd.pid")
_MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/lib/apache2")
_LOGS = ("/var/log/apache2/error.log", "/var/log/httpd/error_log")
_FOLDERS = ("conf-enabled", "mods-enabled", "sites-enabled", "conf.d", "vhosts.d", "../conf.d", "../conf.modules.d")
_EXPORT = re.compile(r"^\s*export\s+(\w+)=(\S*)\s*$", re.M)
_PID = re.compile(r"^\s*PidFile\s+\"?([^\s\"]+)", re.M | re.I)


class Apache(NamedTuple):
    """Apache as one of the proxies here."""

    configuration: str
    program: str = "apache2"
    discover: bool = True

    @property
    def name(self) -> str:
        return "apache"

    def running(self, host: Host) -> Running | None:
        written = () if self.configuration in CONFIGURATIONS else tuple(_PID.findall(self._text(host)))
        return processes.running(host, ("apache2", "httpd"), written or PID_FILES, self.discover)

    def version(self, host: Host) -> str | None:
        done = host.run((self.program, "-v"))
        said = b"" if isinstance(done, Failure) else done.stdout
        return said.decode("utf-8", "replace").partition("Apache/")[2].split(" ")[0].strip() or None

    def test(self) -> tuple[str, ...]:
        if self.configuration == CONFIGURATIONS[0]:
            return ("apachectl", "configtest")  # which knows the variables that Debian's configuration needs
        return (self.program, "-t", "-f", self.configuration)

    def read(self, host: Host) -> Configuration | Failure:
        """What Apache itself makes of its files; a mistake is all that it prints where there is one."""
        from cozydiag.proxies import apache_dump, verdicts

        done = self._dump(host)
        if isinstance(done, Failure):
            return done
        dump = apache_dump.parse(done.stdout.decode("utf-8", "replace"))
        if done.code or not dump.files:
            said = verdicts.tested("apache", done)
            if said.closed:
                return Configuration((), (), said.closed, (self.configuration,))
            return Configuration((), said.mistakes, (), (self.configuration,), _LOGS)
        return Configuration(dump.servers(), (), (), dump.files, dump.logs() or _LOGS)

    def changed(self, host: Host) -> float:
        return processes.newest(host, self.configuration, _FOLDERS)

    def last_error(self, host: Host, logs: tuple[str, ...], since: float, words: tuple[str, ...]) -> Evidence | None:
        from cozydiag.proxies.logs import last_line

        return last_line(host, logs or _LOGS, since, words, moment)

    def _text(self, host: Host) -> str:
        content = host.read(self.configuration)
        return "" if isinstance(content, Failure) else content.decode("utf-8", "replace")

    def _dump(self, host: Host) -> Completed | Failure:
        folders = (folder for folder in _MODULES if not isinstance(host.stat(f"{folder}/mod_info.so"), Failure))
        folder = next(folders, None)
        load = ("-C", f"LoadModule info_module {folder}/mod_info.so") if folder else ()
        argv = (self.program, *load, "-f", self.configuration, "-t", "-D", "DUMP_CONFIG")
        return host.run(argv, env=self._variables(host), max_output=32 << 20)

    def _variables(self, host: Host) -> dict[str, str]:
        """What Debian's `envvars` exports, as `apache2ctl` would for the usual instance."""
        content = host.read(os.path.join(os.path.dirname(self.configuration), "envvars"))
        text = "" if isinstance(content, Failure) else content.decode("utf-8", "replace")
        exported = {name: value.replace("$SUFFIX", "") for name, value in _EXPORT.findall(text)}
        return {name: value for name, value in exported.items() if name.startswith("APACHE_")}


def moment(line: str) -> float | None:
    """`[Sat Nov 21 08:46:36.586548 2026]`."""
    from cozydiag.proxies.logs import local

    words = line[1:33].partition("]")[0].split()
    if len(words) != 5:
        return None
    return local(" ".join((*words[1:3], words[3].partition(".")[0], words[4])), "%b %d %H:%M:%S %Y")
