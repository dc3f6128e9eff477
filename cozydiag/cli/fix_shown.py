"""What `cozydiag fix` says: the plan, each act as it begins and ends, and the end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from cozydiag.cli.common import say, symbols, wrapped, write
from cozydiag.model import Cause, Status
from cozydiag.repair import foresight, reasons
from cozydiag.text import Seconds, Text, When, plural, t
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from cozydiag.repair.act import Outcome
    from cozydiag.repair.budget import Verdict
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.plan import Action, Plan, Refusal
    from cozydiag.repair.session import Repaired

_INDENT = "     "


def plan(plan: Plan, ledger: Ledger) -> None:
    """What would be done, what not, and why."""
    if plan.actions:
        write(say(t("What a restart can mend, in this order:")) + "\n")
    for number, action in enumerate(plan.actions, 1):
        write(f"  {number}. {action.command}\n{wrapped(say(action.why), _INDENT)}\n")
        for text in _foretold(action, ledger):
            write(wrapped(say(text), _INDENT) + "\n")
        if not action.allowed:
            write(_INDENT + say(t("needs root")) + "\n")
        if action.gate is not None:
            write(wrapped(say(t("Not now: {reason}.", reason=action.gate.reason)), _INDENT) + "\n")
    if plan.refusals:
        write(("\n" if plan.actions else "") + say(t("What a restart cannot mend:")) + "\n")
    for refusal in plan.refusals:
        _refusal(refusal)


def _foretold(action: Action, ledger: Ledger) -> tuple[Text, ...]:
    return (
        t("Interrupts: {whom}", whom=foresight.interrupts(action, ledger)),
        t("How: {manner}", manner=foresight.manner(action)),
        t("Proof: {proof}", proof=foresight.proof(action)),
        t("How sure: {sureness}", sureness=foresight.sureness(action, ledger)),
    )


def _refusal(refusal: Refusal) -> None:
    cause = refusal.cause
    write(wrapped(headline(cause).strip(), "  ", "    ") + "\n")
    for seen in cause.evidence:
        write(wrapped(say(t("Seen: {source}: {line}", source=seen.source, line=seen.line)), _INDENT) + "\n")
    write(wrapped(say(t("No restart: {reason}.", reason=refusal.reason)), _INDENT) + "\n")
    if cause.remedy is not None:
        write(wrapped(say(t("Instead: {remedy}", remedy=cause.remedy)), _INDENT) + "\n")
    for command in cause.commands:
        write(f"{_INDENT}  {command}\n")


def headline(cause: Cause) -> str:
    return f"  {symbols().marks['broken' if cause.severity is Status.FAIL else 'warn']} {say(cause.text)}"


def as_json(plan: Plan, ledger: Ledger) -> str:
    """The plan as one JSON object, texts in English."""

    def words(text: Text | None) -> str | None:
        return None if text is None else render(text, ENGLISH)

    def action(one: Action) -> dict[str, Any]:
        tried, helped, proven = ledger.helped(one.service.address, one.verb)
        return {
            "service": one.service.address, "owner": one.service.manager, "role": one.service.role, "verb": one.verb,
            "command": one.command, "allowed": one.allowed, "cause": one.cause.code, "why": words(one.why),
            "interrupts": words(foresight.interrupts(one, ledger)), "manner": words(foresight.manner(one)),
            "proof": words(foresight.proof(one)), "sureness": words(foresight.sureness(one, ledger)),
            "helped": {"tried": tried, "helped": helped, "proven": proven}, "checks": list(one.failing),
            "gate": None if one.gate is None else
            {"outcome": one.gate.outcome, "code": one.gate.code, "reason": words(one.gate.reason)},
        }  # fmt: skip

    def refusal(one: Refusal) -> dict[str, Any]:
        return {
            "cause": one.cause.code, "role": one.cause.role, "service": one.cause.service,
            "text": words(one.cause.text), "reason": words(one.reason), "remedy": words(one.cause.remedy),
            "commands": list(one.cause.commands),
        }  # fmt: skip

    data = {
        "schema": "cozydiag.plan/1", "actions": list(map(action, plan.actions)),
        "refusals": list(map(refusal, plan.refusals)),
    }  # fmt: skip
    return json.dumps(data, indent=2) + "\n"


class Teller:
    """Tells each act as it begins and ends. ``quiet``: what was told in an earlier run is not told again, nor are the
    services and gates in ``told``, which stand in the plan."""

    def __init__(self, *, quiet: bool, told: Collection[tuple[str, str]] = ()) -> None:
        self.quiet = quiet
        self.told = told

    def begins(self, action: Action) -> None:
        tell(say(t("{command} …", command=action.command)))

    def watches(self, _: Action, seconds: float) -> None:
        if not self.quiet:
            tell("  " + say(t("What failed is well; watched for another {seconds} …", seconds=Seconds(seconds))))

    def ended(self, action: Action, outcome: Outcome) -> None:
        mark = symbols().marks["ok" if outcome.result == "verified" else "broken"]
        tell(say(t("{mark} {service}: {text} ({seconds})", mark=mark, service=action.service.address,
                   text=outcome.text, seconds=Seconds(outcome.seconds))))  # fmt: skip

    def passed(self, action: Action, verdict: Verdict, *, known: bool) -> None:
        if (self.quiet and known) or (action.service.address, verdict.code) in self.told:
            return
        words = {
            "refused": t("{service}: refused: {reason}", service=action.service.address, reason=verdict.reason),
            "deferred": t("{service}: put off: {reason}", service=action.service.address, reason=verdict.reason),
            "held": t("{service}: held: {reason}", service=action.service.address, reason=verdict.reason),
        }
        tell(f"{symbols().marks['warn']} {say(words[verdict.outcome])}")


def tell(line: str) -> None:
    """On stdout and at once; a lost terminal must not stop what has begun."""
    try:
        write(line + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the rest of the process


def end(repaired: Repaired, *, quiet: bool) -> None:
    """What became worse first, then what was done, what is left, how long it took."""
    if quiet:
        return
    report = repaired.report
    tell("")
    for cause in repaired.worse:
        tell(say(t("This was well before: {cause}", cause=cause.text)))
    if repaired.interrupted:
        tell(say(t("Stopped by a signal: what had begun was finished, nothing else was started.")))
    if repaired.revealed:
        names = ", ".join(repaired.revealed)
        tell(say(t("Only now can be seen, and was looked at: {names}", names=names)))
    tell(say(last_line(repaired)))
    for cause in report.causes:
        tell(headline(cause))
    if report.verdict is not Status.OK:
        tell(say(t("`cozydiag status` shows the rest; `cozydiag report > diag.txt` is for those who help.")))


def last_line(repaired: Repaired) -> Text:
    """`Back at 23:02:14, down 6 min 40 s, 1 restart (cozy-proxy), it had run out of memory.`"""
    mended = [action for action, outcome in repaired.done if outcome.result == "verified"]
    if repaired.report.verdict not in (Status.OK, Status.WARN):
        restarts = _restarts([action for action, outcome in repaired.done if outcome.entry])
        if repaired.report.verdict is Status.UNKNOWN:
            return t("Nothing broken is seen any more, but not everything could be looked at: {restarts}, {took}.",
                     restarts=restarts, took=Seconds(repaired.seconds))  # fmt: skip
        return t("Something is still wrong: {restarts}, {took}.", restarts=restarts, took=Seconds(repaired.seconds))
    when = When(time.time())
    if not mended:
        return t("It is well at {when}, without a restart.", when=when)
    down = Seconds(repaired.down)
    reason = reasons.past(mended[0].cause) if len(mended) == 1 else None
    if reason is None:
        return t("Back at {when}, down {down}, {restarts}.", when=when, down=down, restarts=_restarts(mended))
    return t("Back at {when}, down {down}, {restarts}, {reason}.",
             when=when, down=down, restarts=_restarts(mended), reason=reason)  # fmt: skip


def _restarts(actions: list[Action]) -> Text:
    if not actions:
        return t("no restart")
    names = ", ".join(action.service.unit for action in actions)
    return plural("{n} restart ({names})", "{n} restarts ({names})", n=len(actions), names=names)
