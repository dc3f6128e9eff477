"""Caddy: what is loaded by its admin API, what is on disk by `caddy adapt`, which only prints."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence
from cozydiag.proxies import processes
from cozydiag.proxies.protocol import Configuration, Mistake, Running

ADMIN = "127.0.0.1:2019"
"""Where the admin API listens unless told otherwise (caddyserver.com/docs/api)."""

_FOLDERS = ("conf.d", "sites-enabled", "sites", "Caddyfile.d")


class Caddy(NamedTuple):
    """Caddy as one of the proxies here. ``admin`` is `HOST:PORT`, or `unix/` and the path of a socket."""

    configuration: str
    program: str = "caddy"
    admin: str = ADMIN
    discover: bool = True

    @property
    def name(self) -> str:
        return "caddy"

    def running(self, host: Host) -> Running | None:
        """By its name; where only the configured one counts, by who listens where its admin API should be."""
        if self.discover:
            return processes.running(host, ("caddy",), (), discover=True)
        for listener in host.listeners(_port(self.admin)):
            process = host.process(host.owner(listener.inode) or 0)
            if process is not None and process.name == "caddy":
                return Running(process)
        return None

    def version(self, host: Host) -> str | None:
        done = host.run((self.program, "version"))
        words = [] if isinstance(done, Failure) else done.stdout.decode("utf-8", "replace").split()
        return words[0].removeprefix("v") if words else None

    def test(self) -> tuple[str, ...]:
        return (self.program, "validate", "--config", self.configuration)

    def read(self, host: Host) -> Configuration | Failure:
        """What the running one has loaded, else what is on disk."""
        return self._loaded(host) or self.adapted(host)

    def adapted(self, host: Host) -> Configuration | Failure:
        """What is on disk."""
        from cozydiag.proxies import verdicts

        if self.configuration.endswith(".json"):
            content = host.read(self.configuration, max_bytes=8 << 20)
            return content if isinstance(content, Failure) else self._made(host, _json(content))
        done = host.run((self.program, "adapt", "--config", self.configuration), max_output=16 << 20)
        if isinstance(done, Failure):
            return done
        if done.code:
            said = verdicts.tested("caddy", done)
            return Configuration((), said.mistakes, said.closed, (self.configuration,))
        return self._made(host, _json(done.stdout))

    def changed(self, host: Host) -> float:
        return processes.newest(host, self.configuration, _FOLDERS)

    def last_error(self, host: Host, logs: tuple[str, ...], since: float, words: tuple[str, ...]) -> Evidence | None:
        """In the files that the configuration names for the log of errors, else in the journal."""
        from cozydiag.proxies.logs import journal_line, last_line

        wanted = words or ('"level":"error"',)
        return last_line(host, logs, since, wanted, moment) or journal_line(host, "caddy", since, wanted)

    def _loaded(self, host: Host) -> Configuration | None:
        view = host.within(min(0.5, host.deadline.remaining()), host.instance)
        if self.admin.startswith("unix/"):
            answer = view.get("http://localhost/config/", unix=self.admin[5:], max_body=8 << 20)
        else:
            answer = view.get(f"http://{self.admin}/config/", max_body=8 << 20)
        host.evidence += view.evidence
        if isinstance(answer, Failure) or answer.status != 200:
            return None
        made = self._made(host, answer.json())
        return None if isinstance(made, Failure) else made

    def _made(self, host: Host, config: Any) -> Configuration | Failure:
        from cozydiag.proxies.caddy_tree import Tree

        if not isinstance(config, dict):
            return Failure("protocol", "Caddy's configuration is no JSON object")
        content = host.read(self.configuration)
        text = "" if isinstance(content, Failure) else content.decode("utf-8", "replace")
        try:
            tree = Tree(config, self.configuration, text)
            return Configuration(tree.servers(), (), (), (self.configuration,), tree.logs())
        except (AttributeError, TypeError, KeyError, ValueError):  # JSON that is none of Caddy's
            return Configuration((), (Mistake(self.configuration, 0, "not a configuration of Caddy"),))


def _port(admin: str) -> int:
    digits = admin.rpartition(":")[2]
    return int(digits) if digits.isdigit() else 2019


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def moment(line: str) -> float | None:
    """`{"level":"error","ts":1795251048.269193,…}`; in its console format the time is written out."""
    head, mark, rest = line.partition('"ts":')
    if mark:
        digits = rest.partition(",")[0].strip('" ')
        try:
            return float(digits)
        except ValueError:
            return None
    from cozydiag.proxies.logs import local

    return local(head[:19], "%Y/%m/%d %H:%M:%S")
