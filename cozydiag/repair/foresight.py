"""What an act will do to people, and what will prove it: said before anything is done."""

from __future__ import annotations

from cozydiag.repair.ledger import Ledger
from cozydiag.repair.plan import Action
from cozydiag.text import Seconds, Text, plural, t

_HANGS = frozenset({"service.hung", "check.timeout", "service.stuck", "site.no_answer"})

_SECONDS = {"couchdb": 20.0, "cozy.controller": 120.0, "supervisor": 30.0, "proxy": 3.0}
"""How long they are away, where nothing is known from before (the controller starts its apps one after another)."""


def interrupts(action: Action, ledger: Ledger | None) -> Text:
    """Whom it cuts off, and for how long."""
    role, verb, unit = action.service.role, action.verb, action.service.unit
    time = _usual(action, ledger)
    if role == "cozy.controller":
        return t("every app of the Cozy is started anew, and stack.token is renewed; about {time}", time=time)
    if action.service.manager == "cozy-monitor" and verb == "start":
        return t("cozy-monitor stops {name} before it starts it; about {time}", name=unit, time=time)
    if verb == "start":
        return t("nobody, as it does not run now")
    if verb == "reload":
        return t("nobody, as open connections go on")
    if role == "couchdb":
        return t("the whole Cozy, which can read and save nothing for about {time}", time=time)
    if role in ("proxy", "cozy.proxy", "supervisor"):
        return t("everybody who is using the Cozy, for about {time}", time=time)
    return t("what uses {name}, for about {time}", name=unit, time=time)


def manner(action: Action) -> Text:
    """Graceful or hard, and why."""
    if action.verb in ("start", "reload"):
        return t("nothing is ended")
    if action.cause.code in _HANGS:
        return t("it hangs, so its manager kills it when it does not end in time")
    return t("it is asked to end, and gets its time")


def proof(action: Action) -> Text:
    """What will be looked at before it is called mended."""
    others = len(action.cause.explains)
    new = t("new workers") if action.verb == "reload" else t("a new process that stays")
    if not others:
        return t("{new}; what failed is well, looked at twice", new=new)
    return plural(
        "{new}; what failed is well, looked at twice, and {n} check behind it",
        "{new}; what failed is well, looked at twice, and {n} checks behind it", n=others, new=new,
    )  # fmt: skip


def sureness(action: Action, ledger: Ledger | None) -> Text:
    """How sure it is that this helps: what was seen, and what helped before."""
    tried, helped, proven = ledger.helped(action.service.address, action.verb) if ledger is not None else (0, 0, 0)
    if tried:
        return t("{verb} of {name}: helped {helped} of {tried} times so far, proven by health {proven}",
                 verb=action.verb, name=action.service.unit, helped=helped, tried=tried, proven=proven)  # fmt: skip
    if action.cause.restart_helps and action.cause.certainty == "certain":
        return t("this is what is wrong, and a restart mends it")
    if action.cause.restart_helps:
        return t("this is probably what is wrong, and then a restart mends it")
    return t("not at all: whether it helps shows only afterwards")


def _usual(action: Action, ledger: Ledger | None) -> Seconds:
    """As long as it took the last time."""
    entries = ledger.state.latest("act", 100) if ledger is not None else []
    for entry in reversed(entries):
        if isinstance(entry.data, dict) and isinstance(entry.result, dict) and entry.result.get("result") == "verified":
            same = (entry.data.get("service"), entry.data.get("verb")) == (action.service.address, action.verb)
            seconds = entry.result.get("seconds")
            if same and isinstance(seconds, (int, float)) and seconds >= 1:
                return Seconds(round(seconds))
    return Seconds(_SECONDS.get(action.service.role or "", 10.0))
