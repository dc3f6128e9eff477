"""The user's apps of a Cozy v2: what home says of each, and whether it answers on its port."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any, NamedTuple

from cozydiag.findings import fail, ok, skip, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.cozy_monitor import LOGS
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.stack.why import telling, waits_for
from cozydiag.stack.words import root
from cozydiag.text import t


class App(NamedTuple):
    """A row of home's list (`GET /api/applications/`). ``state``: installed, stopped, installing, broken; ``port`` is 0
    where it has none."""

    name: str
    state: str
    port: int
    static: bool
    error: str = ""

    @property
    def subject(self) -> str:
        return self.name

    @property
    def role(self) -> str:
        return role_of(self.name)


def role_of(name: str) -> str:
    return f"cozy.app.{name}"


def listed(stack: Stack, host: Host) -> tuple[App, ...]:
    """The apps; none where home cannot list them, which is a check of its own."""
    return stack.once("apps", host, lambda host: _listed(stack, host))


def _listed(stack: Stack, host: Host) -> tuple[App, ...]:
    address = stack.part("home").address
    if host.connect(*address) is not None:
        return ()
    answer = host.get(stack.part("home").url.rstrip("/") + "/api/applications/")
    data = None if isinstance(answer, Failure) or answer.status != 200 else answer.json()
    rows = data.get("rows") if isinstance(data, dict) else None
    return tuple(_app(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _app(row: dict[str, Any]) -> App:
    port = row.get("port")
    number = int(port) if isinstance(port, (int, str)) and str(port).isdigit() and int(port) < 65536 else 0
    name = one_line(str(row.get("slug") or row.get("name") or "?"), 60)
    said = one_line(str(row.get("errormsg") or ""), 300)
    return App(name, str(row.get("state", "")), number, row.get("type") == "static", said)


def look(host: Host, stack: Stack, app: App) -> Iterator[Finding]:
    """What is wrong with one app. Stopped is normal: home stops what nobody has used for five minutes (cozy-home
    `autostop.coffee`), and the Cozy's proxy starts it again."""
    if app.state == "stopped":
        yield ok(t("{name} is stopped until somebody uses it", name=app.name))
    elif app.state == "installing":
        yield skip(t("{name} is being installed", name=app.name))
    elif app.state == "broken":
        yield _broken(host, stack, app)
    elif app.state != "installed":
        yield skip(t("home knows nothing of the state of {name}", name=app.name))
    elif app.static or not app.port:
        yield ok(t("{name} is installed and needs no program", name=app.name))
    else:
        yield _asked(host, stack, app)


def _asked(host: Host, stack: Stack, app: App) -> Finding:
    """Any answer counts, but for an error: an app may well redirect, or ask who it is."""
    answer = host.get(f"http://127.0.0.1:{app.port}/")
    if isinstance(answer, Failure):
        return _silent(host, stack, app, answer)
    if answer.status >= 500:
        return warn(
            "cozy.app_error",
            t("{name} answers with an error: HTTP {status}", name=app.name, status=answer.status),
            t("Read its log. The other apps are not concerned."),
            role=app.role,
            by_hand=_log(app),
            restart_helps=None,
            affects=(),
        )
    return ok(t("{name} answers (HTTP {status})", name=app.name, status=answer.status))


def _silent(host: Host, stack: Stack, app: App, why: Failure) -> Finding:
    lines = _lines(host, app)
    said = telling(lines)
    return fail(
        "cozy.app_down",
        t("{name} is installed, but does not answer on its port {port}: {why}",
          name=app.name, port=str(app.port), why=why.detail),
        t("Start it; if it does not stay, its log says why."),
        role=app.role,
        commands=(_start(host, stack, app),),
        proof=host.see(_path(app), said) if said else host.evidence[-1] if host.evidence else None,
        by_hand=_log(app),
        restart_helps=True,
        affects=(app.role,),
        waits_for=waits_for(stack, lines, app.role),
    )  # fmt: skip


def _broken(host: Host, stack: Stack, app: App) -> Finding:
    """Why, as its log or home says; an app that lacks modules cannot be mended from npm any more."""
    lines = _lines(host, app)
    said = app.error or telling(lines)
    missing = any("Cannot find module" in line for line in lines) or "Cannot find module" in app.error
    memory = "Not enough Memory" in app.error or any("Not enough Memory" in line for line in lines)
    return fail(
        "cozy.app_memory" if memory else "cozy.app_broken",
        t("home calls {name} broken: there was not enough memory to start it (60 MB must be free)", name=app.name)
        if memory
        else t("home calls {name} broken: {why}", name=app.name, why=said or "-"),
        t("Stop other apps or add memory or swap, then start it.")
        if memory
        else t("Its modules are missing, and what they came from may be gone: back up its data, and plan the move to a "
               "cozy-stack.")
        if missing
        else t("Read its log, then start it; its data are in CouchDB and not concerned."),
        role=app.role,
        commands=() if missing else (_start(host, stack, app),),
        proof=host.see(_path(app), said) if said else None,
        by_hand=_log(app),
        restart_helps=None if not missing else False,
        affects=(app.role,),
        waits_for=waits_for(stack, lines, app.role),
        own=missing or memory,
    )  # fmt: skip


def _start(host: Host, stack: Stack, app: App) -> str:
    """cozy-monitor asks home, which asks nobody on this machine who he is (cozy-monitor `src/application.coffee`)."""
    if any(manager.name == "cozy-monitor" for manager in stack.managers(host)):
        return f"{root(host)}cozy-monitor start {quote(app.name)}"
    url = f"{stack.part('home').url.rstrip('/')}/api/applications/{app.name}/start"
    return f"curl -sS -X POST {quote(url)}"


def _lines(host: Host, app: App) -> list[str]:
    seen = host.tail(_path(app), 40) if "/" not in app.name and app.name[:1] != "." else []
    return [] if isinstance(seen, Failure) else seen


def _path(app: App) -> str:
    return f"{LOGS}/{app.name}.log"


def _log(app: App) -> str:
    return f"sudo tail -n 40 {quote(_path(app))}"
