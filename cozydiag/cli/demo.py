"""`cozydiag demo`: a small real stack on loopback, to see cozydiag at work and to try things on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import UNAVAILABLE, LangOption, Problem, group, say
from cozydiag.text import Text, t

if TYPE_CHECKING:
    from cozydiag.sandbox import Sandbox


def build(settings: dict[str, Any], help: str) -> typer.Typer:
    """The group of commands; without one of them the whole tour."""
    app = group(settings, help, {
        "up": (up, t("Start the stack.")),
        "break": (break_, t("Break one thing; without a name: list what can be.")),
        "heal": (heal, t("Make all well again.")),
        "shell": (shell, t("A shell in which cozydiag sees this stack only.")),
        "down": (down, t("Stop the stack and delete it.")),
    })  # fmt: skip

    @app.callback(invoke_without_command=True)
    def tour_or_command(context: typer.Context, lang: LangOption = None) -> None:
        if context.invoked_subcommand is None:
            from cozydiag.cli.tour import tour

            raise typer.Exit(tour())

    return app


def folder() -> str:
    """Where this user's demo lives: a short path, for the length of socket names is limited to 107 bytes."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.path.isdir(base) and len(base) < 40:
        return os.path.join(base, "cozydiag-demo")
    return f"/tmp/cozydiag-demo-{os.getuid()}"  # noqa: S108  its owner is looked at before anything is used


def sandbox() -> Sandbox:
    """This user's demo. Raises Problem when there is none, or when somebody else made that folder."""
    from cozydiag.sandbox import Sandbox

    path = folder()
    if not os.path.isdir(path):
        raise Problem(t("there is no demo here yet: `cozydiag demo up` starts one"))
    if os.lstat(path).st_uid != os.getuid():
        raise Problem(t("{path} belongs to another user", path=path))
    with sentences():
        return Sandbox.open(path)


@contextmanager
def sentences() -> Iterator[None]:
    """What the sandbox complains of goes to the user as one sentence."""
    from cozydiag.sandbox import SandboxError

    try:
        yield
    except SandboxError as error:
        raise Problem(error.text, UNAVAILABLE) from None


def up(lang: LangOption = None) -> int:
    from cozydiag.sandbox import Sandbox

    with sentences():
        made = sandbox() if os.path.isdir(folder()) else Sandbox.create(folder())
        made.up()
    _tell(t("The demo is running. nginx and supervisord are real, the parts of the Cozy and CouchDB are stand-ins."))
    _tell(t("Look at it:      {command}", command=f"cozydiag status --config {made.config}"))
    _tell(t("Break something: {command}", command="cozydiag demo break part-stopped"))
    _tell(t("End it:          {command}", command="cozydiag demo down"))
    return 0


def break_(
    name: Annotated[str | None, typer.Argument()] = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.sandbox.faults import FAULTS

    if name is None:
        width = max(map(len, FAULTS))
        for known, fault in FAULTS.items():
            print(f"{known:{width}}  {say(fault.text)}")
        return 0
    with sentences():
        sandbox().break_(name)
    _tell(t("Broken: {what}", what=FAULTS[name].text))
    return 0


def heal(lang: LangOption = None) -> int:
    with sentences():
        sandbox().heal()
    _tell(t("All is well again."))
    return 0


def shell(lang: LangOption = None) -> int:
    """The user's own shell, with the demo's configuration in its environment."""
    import subprocess

    environment = os.environ | {"COZYDIAG_CONFIG": sandbox().config}
    _tell(t("In this shell cozydiag sees the demo only; leave it with `exit`."))
    return subprocess.run([os.environ.get("SHELL") or "/bin/sh"], env=environment, check=False).returncode


def down(lang: LangOption = None) -> int:
    sandbox().remove()
    _tell(t("The demo is gone."))
    return 0


def _tell(text: Text) -> None:
    print(say(text), file=sys.stderr)
