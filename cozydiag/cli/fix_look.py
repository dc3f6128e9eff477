"""What the plan and the repair of `cozydiag fix` share: the look, the wishes, the lines to copy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cozydiag.cli.common import EXIT, Problem, say, write
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Report
    from cozydiag.repair.gates import Terms
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.plan import Plan
    from cozydiag.stack import Stack
    from cozydiag.state import State


class Wishes(NamedTuple):
    """What was typed beside --restart."""

    yes: bool = False
    auto: bool = False
    only: tuple[str, ...] = ()
    most: int = 1000
    force: bool = False
    json: bool = False


def look(config: Config, before: Stack | None = None) -> tuple[Report, Stack]:
    from cozydiag.engine.examine import Wish, look

    return look(config, Wish(deadline=config.timing.deadline), before=before)


def examine(config: Config) -> tuple[Report, Stack, Plan]:
    from cozydiag.host import Host, World
    from cozydiag.repair.plan import make

    report, stack = look(config)
    return report, stack, make(Host(World(), 60.0, "plan"), stack, report)


def judged_plan(report: Report, stack: Stack, plan: Plan, state: State, wishes: Wishes) -> tuple[Plan, Ledger]:
    """The plan with what forbids each act now, and what was done before."""
    from cozydiag.host import Host, World
    from cozydiag.repair.gates import View
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.moments import Moment
    from cozydiag.repair.plan import gated, narrowed

    if not wishes.auto and any(plan) and not any(narrowed(plan, wishes.only)):
        known = sorted({action.service.unit for action in plan.actions})
        raise Problem(t("nothing that is broken is called {names}; a restart could mend: {known}",
                        names=", ".join(wishes.only), known=", ".join(known) or "-"))  # fmt: skip
    plan = narrowed(plan, wishes.only)
    host = Host(World(), 60.0, "repair")
    ledger = Ledger(state, host.clock)
    view = View(host, stack, report, ledger, terms_of(wishes), Moment.now(host.clock))
    return gated(plan, view), ledger


def terms_of(wishes: Wishes) -> Terms:
    from cozydiag.repair.gates import Terms

    return Terms(wishes.auto, wishes.only, wishes.most, wishes.force)


def nothing(report: Report) -> int:
    if report.verdict is Status.UNKNOWN:
        write(say(t("Nothing broken was seen, but not everything could be looked at: see `cozydiag status`.")) + "\n")
        return EXIT[Status.UNKNOWN]
    write(say(t("There is nothing to repair.")) + "\n")
    return 0


def line(arguments: str, config: str | None) -> str:
    """The command line of this same cozydiag, to be copied."""
    import shutil
    from shlex import quote

    from cozydiag.stack.words import ourselves

    command = ourselves("", None).strip().removeprefix("sudo ")
    if shutil.which("cozydiag") == command:
        command = "cozydiag"
    return f"{command} {arguments}" + (f" --config {quote(config)}" if config else "")


def as_root(config: Config) -> str:
    """The same for root, who does not find this user's own configuration."""
    from cozydiag.stack.words import ourselves

    return ourselves("fix --restart", config)


def who() -> str:
    """Whom the journal names: who typed sudo, else the user."""
    import pwd

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
