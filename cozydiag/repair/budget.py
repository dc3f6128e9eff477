"""How often a service may be restarted. The limits of other tools are made for seconds: at the rhythm of a timer, once
every five minutes, systemd's 5 in 10 s and Kubernetes' back-off are never reached, and nothing ever gives up."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cozydiag.config.values import Repair
from cozydiag.repair.ledger import DAY, HOUR, Ledger
from cozydiag.repair.moments import Moment
from cozydiag.text import Seconds, Text, plural, t

NotDone = Literal["refused", "deferred", "held"]


class Verdict(NamedTuple):
    """Why nothing is done now: `refused` (it would be wrong), `deferred` (perhaps later), `held` (it is given up until
    somebody frees it). ``code`` says which gate it was, for the journal and so that it is not told twice."""

    outcome: NotDone
    code: str
    reason: Text


HOURLY, HELD = "budget.hour", "budget.held"


def limit(ledger: Ledger, service: str, rules: Repair, *, auto: bool) -> Verdict | None:
    """Why ``service`` may not be restarted once more; None when it may."""
    record = ledger.state.service(service)
    if record.get("held"):
        return _held(service, rules)
    if auto and ledger.damaged() is not None and Moment.read(record.get("reset")) is None:
        text = t(
            "what cozydiag remembered was damaged, so nobody knows how often it was restarted; "
            "a person may: `cozydiag fix --restart`, or `cozydiag fix --reset {service}`", service=service,
        )  # fmt: skip
        return Verdict("held", "budget.damaged", text)
    if ledger.unproven(service, rules) >= rules.unproven:
        return _held(service, rules)
    acts = ledger.of(service)
    if sum(act.age < DAY for act in acts) >= rules.daily:
        text = plural("it was restarted once within a day, which is the limit",
                      "it was restarted {n} times within a day, which is the limit", n=rules.daily)  # fmt: skip
        return Verdict("deferred", "budget.day", text)
    waits = ledger.waits(service, rules)
    if waits > 0:
        text = t(
            "it was restarted {age} ago and is left alone for another {waits} "
            "(at once: `cozydiag fix --reset {service}`)",
            age=Seconds(min(act.age for act in acts)), waits=Seconds(waits), service=service,
        )  # fmt: skip
        return Verdict("deferred", "budget.cooldown", text)
    if len(ledger.all_ours()) >= rules.hourly:
        text = plural("there was a restart within the last hour, which is the limit for all services together",
                      "there were {n} restarts within the last hour, which is the limit for all services together",
                      n=rules.hourly)  # fmt: skip
        return Verdict("deferred", HOURLY, text)
    return None


def _held(service: str, rules: Repair) -> Verdict:
    text = plural(
        "one restart within {window} did not last: it is left alone until it has been well for {well}, or until "
        "`cozydiag fix --reset {service}`",
        "{n} restarts within {window} did not last: it is left alone until it has been well for {well}, or until "
        "`cozydiag fix --reset {service}`",
        n=rules.unproven, window=_long(rules.window), well=_long(rules.well), service=service,
    )  # fmt: skip
    return Verdict("held", HELD, text)


def _long(seconds: float) -> Seconds:
    return Seconds(round(seconds / HOUR) * HOUR if seconds >= HOUR else seconds)


def hold(ledger: Ledger, service: str) -> None:
    """From now on it is left alone, whatever the window forgets."""
    record = ledger.state.service(service)
    if not record.get("held"):
        ledger.state.keep_service(service, record | {"held": Moment.now(ledger.clock)})


def reset(ledger: Ledger, service: str | None) -> bool:
    """Nothing of what it went through counts against it any more; None: against none, and the budget of the hour is
    full again. Whether that is safely on the disk."""
    now = Moment.now(ledger.clock)
    known = {act.service for act in ledger.acts} | set(ledger.state.services())
    kept = []
    for address in known if service is None else {service}:
        kept.append(ledger.state.keep_service(address, {"reset": now}))
    if service is None:
        kept.append(ledger.state.set("repair.reset", now))
    return all(kept)
