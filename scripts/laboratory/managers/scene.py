"""A real manager with services in every state, and what cozydiag says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from scripts.laboratory import command
from scripts.laboratory.command import Run

LOOKED_AT = ("--only", "manager.*", "--only", "supervisor.*")


class SceneError(Exception):
    """It cannot be had here; the text says why."""


class Tool(NamedTuple):
    """An act that a manager's own program calls a success (``ask`` gives its exit code), and that is none: cozydiag is
    asked for the same ``verb`` of ``address``."""

    ask: Callable[[], int]
    verb: str
    address: str


class Scene:
    """``addresses`` are those of the services by the names of their states. ``cozydiag`` runs the command line on it,
    with what follows its name. ``daemon`` are things done to the manager itself, each undone by what it gives back.

    All is done at once, what ends the manager last: ``report`` is what `status` says of the states, ``acts`` what came
    of the tools (their exit code, and cozydiag's run), ``without_daemon`` the reports while something was done to it.
    """

    def __init__(
        self,
        cozydiag: Callable[..., Run],
        addresses: Mapping[str, str],
        tools: Mapping[str, Tool] | None = None,
        daemon: Mapping[str, Callable[[], Callable[[], object]]] | None = None,
    ) -> None:
        self.cozydiag = cozydiag
        self.addresses = dict(addresses)
        self.report = self._status()
        self.acts = {
            name: (tool.ask(), cozydiag("services", tool.verb, tool.address, "--yes"))
            for name, tool in (tools or {}).items()
        }
        self.without_daemon = {name: self._without(do) for name, do in (daemon or {}).items()}

    def _status(self) -> dict[str, Any]:
        run = self.cozydiag("status", "--format", "json", *LOOKED_AT)
        if run.report is None:
            raise RuntimeError(f"status ended with {run.code}: {run.stderr[-300:]}")
        return run.report

    def _without(self, do: Callable[[], Callable[[], object]]) -> dict[str, Any]:
        undo = do()
        try:
            return self._status()
        finally:
            undo()


def outside(configuration: str) -> Callable[..., Run]:
    """cozydiag as it runs on this machine."""
    return lambda *words: command.cozydiag(*words, "--config", configuration)


class Said(NamedTuple):
    """What `status` says of one service: the codes of the findings of the check on it, "" for a healthy one, and of the
    causes that it makes of them."""

    findings: tuple[str, ...]
    causes: tuple[str, ...]


def said(report: Mapping[str, Any], address: str) -> Said:
    subjects = {address, address.removeprefix("supervisord:")}
    findings = [
        finding.get("code") or ""
        for result in report["results"]
        if result["id"] in ("manager.service", "supervisor.program") and result["subject"] in subjects
        for finding in result["findings"]
    ]
    causes = [cause["code"] for cause in report["causes"] if cause["service"] == address]
    return Said(tuple(findings), tuple(causes))


def of_the_rest(report: Mapping[str, Any], addresses: Iterable[str]) -> tuple[str, ...]:
    """The codes of causes of anything but ``addresses``, and the checks that broke."""
    known = set(addresses)
    causes = [cause["code"] for cause in report["causes"] if cause["service"] not in known]
    broken = [f"{one['id']}: {one['status']}" for one in report["results"] if one["status"] in ("error", "timeout")]
    return (*causes, *broken)


def new_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes of the causes that have come."""
    known = {(cause["code"], cause["service"]) for cause in before["causes"]}
    return tuple(cause["code"] for cause in after["causes"] if (cause["code"], cause["service"]) not in known)


def as_run(code: int, output: str, errors: str) -> Run:
    try:
        found = json.loads(output)
    except ValueError:
        found = None
    return Run(code, found if isinstance(found, dict) else None, errors.strip() or output.strip())
