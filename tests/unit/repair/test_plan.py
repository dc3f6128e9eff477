"""From causes to acts, and the reasons why not."""

from __future__ import annotations

from typing import Any

import pytest

from cozydiag.host import Failure
from cozydiag.managers.service import Life, Service
from cozydiag.model import Cause, Evidence, Status
from cozydiag.repair import foresight, reasons
from cozydiag.repair.ledger import Ledger
from cozydiag.repair.plan import Action, Plan, make
from tests.unit.repair.conftest import COMING, DOWN, NEW, OLD, Bench, FakeManager

FUTILE = "the fault would still be there afterwards"


def plan(bench: Bench, *causes: Cause) -> Plan:
    return make(bench.host, bench.stack, bench.report(*causes))


def commands(found: Plan) -> list[str]:
    return [action.command for action in found.actions]


def why_not(bench: Bench, found: Plan) -> list[str]:
    return [bench.words(refusal.reason) for refusal in found.refusals]


def test_where_nothing_is_wrong_there_is_nothing_to_do(bench: Bench) -> None:
    assert plan(bench) == ((), ())


@pytest.mark.parametrize(
    ("code", "life", "verb"),
    [
        ("service.stopped", DOWN, "start"),
        ("service.down", DOWN, "start"),
        ("supervisor.down", DOWN, "start"),
        ("service.down", Failure("refused", "connection refused"), "start"),
        ("service.down", OLD, "restart"),  # it runs and does not listen
        ("service.hung", OLD, "restart"),
        ("service.hung", DOWN, "restart"),
        ("service.failed", Life(False, 0, "FATAL"), "restart"),
    ],
)
def test_what_does_not_run_is_started_and_all_else_restarted(
    bench: Bench, code: str, life: Life | Failure, verb: str
) -> None:
    bench.manager = FakeManager(life)
    found = plan(bench, bench.cause(code))
    assert commands(found) == [f"fakectl {verb} home"]
    assert found.refusals == ()
    assert bench.manager.asked == []


def test_an_act_says_why_and_what_must_be_well_afterwards(bench: Bench) -> None:
    cause = bench.cause(instance="stack.home", explains=("stack.proxy", "proxy.gateway:cozy"))
    [action] = plan(bench, cause).actions
    assert (action.why, action.cause, action.allowed) == (cause.text, cause, True)
    assert action.failing == ("stack.home", "stack.proxy", "proxy.gateway:cozy")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"restart_helps": False}, FUTILE),
        ({"restart_helps": False, "severity": Status.WARN}, FUTILE),
        ({"restart_helps": None, "severity": Status.WARN}, "it works; a warning is no reason for a restart"),
        (
            {"service": None},
            "no known tool manages home, so it cannot be started from here",
        ),
        (
            {"service": None, "role": None},
            "no known tool manages service.hung, so it cannot be started from here",
        ),
        ({"service": "daemontools:home"}, "daemontools cannot be used from here"),
    ],
)
def test_what_cannot_be_mended_is_refused_with_its_reason(bench: Bench, changes: dict[str, Any], reason: str) -> None:
    cause = bench.cause(**changes)
    found = plan(bench, cause)
    assert (found.actions, why_not(bench, found)) == ((), [reason])
    assert found.refusals[0].cause == cause


@pytest.mark.parametrize(("severity", "helps"), [(Status.FAIL, None), (Status.WARN, True)])
def test_a_failure_is_a_reason_unless_it_is_known_that_nothing_helps_a_warning_only_if_it_helps(
    bench: Bench, severity: Status, helps: bool | None
) -> None:
    assert commands(plan(bench, bench.cause(severity=severity, restart_helps=helps))) == ["fakectl restart home"]


def test_one_service_is_acted_on_once(bench: Bench) -> None:
    first = bench.cause("service.hung", instance="stack.home")
    second = bench.cause("service.error", instance="other")
    found = plan(bench, first, second)
    assert [action.cause for action in found.actions] == [first]
    assert found.refusals == ()


def test_what_others_need_comes_first(bench: Bench) -> None:
    roles = ("proxy", "mail", "cozy.proxy", "cozy.home", "cozy.data-system", "cozy.controller", "couchdb", "supervisor")
    causes = [bench.cause("service.hung", role, service=f"fake:{role}") for role in roles]
    found = plan(bench, *causes)
    assert [action.cause.role for action in found.actions] == [
        "supervisor", "couchdb", "cozy.controller", "cozy.data-system", "cozy.home", "cozy.proxy", "proxy", "mail",
    ]  # fmt: skip


def test_a_failure_of_a_service_goes_before_its_warning(bench: Bench) -> None:
    failing = bench.cause("service.hung", "proxy", instance="proxy.running")
    warning = bench.cause("nginx.no_workers", "proxy", severity=Status.WARN, instance="proxy.config")
    assert [action.cause for action in plan(bench, failing, warning).actions] == [failing]


def test_what_can_be_mended_is_told_apart_from_what_cannot(bench: Bench) -> None:
    found = plan(bench, bench.cause("couchdb.credentials_refused", "couchdb", restart_helps=False), bench.cause())
    assert commands(found) == ["fakectl restart home"]
    assert [refusal.cause.role for refusal in found.refusals] == ["couchdb"]


def test_without_root_the_act_is_told_and_not_allowed(bench: Bench) -> None:
    bench.machine.uid = 1000
    [action] = plan(bench, bench.cause()).actions
    assert (action.command, action.allowed) == ("sudo fakectl restart home", False)


def test_a_command_can_be_copied_whatever_the_service_is_called(bench: Bench) -> None:
    assert commands(plan(bench, bench.cause(service="fake:my home;id"))) == ["fakectl restart 'my home;id'"]


def test_a_program_of_a_group_keeps_its_full_name(bench: Bench) -> None:
    [action] = plan(bench, bench.cause(service="fake:web:home")).actions
    assert (action.service.unit, action.service.address) == ("web:home", "fake:web:home")


@pytest.mark.parametrize(("certainty", "commands_"), [("certain", []), ("likely", ["fakectl restart home"])])
def test_what_would_not_come_back_is_not_restarted(bench: Bench, certainty: Any, commands_: list[str]) -> None:
    """A mistake that is only likely is left to the proxy's own test."""
    hung = bench.cause("service.hung", "proxy", instance="proxy.running")
    mistake = bench.cause("nginx.config_on_disk", "proxy", severity=Status.WARN, restart_helps=False, instance="x")
    found = plan(bench, hung, mistake._replace(certainty=certainty))
    assert commands(found) == commands_
    broken = ["it would not come back: its configuration is broken"] if not commands_ else []
    assert why_not(bench, found) == [*broken, FUTILE]


@pytest.mark.parametrize(
    ("code", "verb"),
    [("service.hung", "restart"), ("nginx.no_workers", "restart"), ("certificate.not_reloaded", "reload"),
     ("proxy.connections_used_up", "reload")],
)  # fmt: skip
def test_a_proxy_that_serves_is_reloaded(bench: Bench, code: str, verb: str) -> None:
    assert commands(plan(bench, bench.cause(code, "proxy"))) == [f"fakectl {verb} home"]
    bench.manager.verbs = ("start", "stop", "restart")
    assert commands(plan(bench, bench.cause(code, "proxy"))) == ["fakectl restart home"]


# --- what is said before


def said(
    bench: Bench, code: str = "service.hung", role: str = "cozy.home", verb: str = "restart", **more: Any
) -> Action:
    cause = bench.cause(code, role, **more)
    return Action(Service("fake", "home", role), verb, "-", cause.text, cause, allowed=True)


@pytest.mark.parametrize(
    ("role", "verb", "words"),
    [
        (
            "cozy.controller",
            "restart",
            "every app of the Cozy is started anew, and stack.token is renewed; about 2 min",
        ),
        ("couchdb", "restart", "the whole Cozy, which can read and save nothing for about 20 s"),
        ("cozy.home", "restart", "what uses home, for about 10 s"),
        ("proxy", "restart", "everybody who is using the Cozy, for about 3 s"),
        ("proxy", "reload", "nobody, as open connections go on"),
        ("cozy.home", "start", "nobody, as it does not run now"),
    ],
)
def test_whom_it_cuts_off(bench: Bench, role: str, verb: str, words: str) -> None:
    ledger = Ledger(bench.state, bench.machine.clock)
    assert bench.words(foresight.interrupts(said(bench, role=role, verb=verb), ledger)) == words


def test_cozy_monitor_stops_what_it_starts(bench: Bench) -> None:
    act = said(bench, verb="start")
    act = act._replace(service=Service("cozy-monitor", "contacts"))
    assert bench.words(foresight.interrupts(act, None)) == "cozy-monitor stops contacts before it starts it; about 10 s"


def test_it_takes_as_long_as_the_last_time_and_how_often_it_helped_is_told(bench: Bench) -> None:
    bench.manager = FakeManager(OLD, (0, COMING), (7, NEW))
    for _ in range(2):
        bench.act()
        bench.manager = FakeManager(OLD, (0, OLD))
    ledger = Ledger(bench.state, bench.machine.clock)
    act = said(bench)
    assert bench.words(foresight.interrupts(act, ledger)) == "what uses home, for about 10 s"  # 7 s, and the proof
    assert bench.words(foresight.sureness(act, ledger)) == (
        "restart of home: helped 1 of 2 times so far, proven by health 0"
    )


@pytest.mark.parametrize(
    ("helps", "certainty", "words"),
    [
        (True, "certain", "this is what is wrong, and a restart mends it"),
        (True, "likely", "this is probably what is wrong, and then a restart mends it"),
        (None, "certain", "not at all: whether it helps shows only afterwards"),
    ],
)
def test_how_sure_it_is(bench: Bench, helps: bool | None, certainty: Any, words: str) -> None:
    act = said(bench, restart_helps=helps)
    act = act._replace(cause=act.cause._replace(certainty=certainty))
    assert bench.words(foresight.sureness(act, None)) == words


def test_it_is_hard_only_where_it_hangs(bench: Bench) -> None:
    said_of = {code: bench.words(foresight.manner(said(bench, code)))[:8] for code in ("service.hung", "service.error")}
    assert said_of == {"service.hung": "it hangs", "service.error": "it is as"}


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("service.hung", "it had stopped answering"),
        ("couchdb.out_of_memory", "it had run out of memory"),
        ("something.new", None),
    ],
)
def test_why_it_was_down_is_said_in_the_words_of_afterwards(bench: Bench, cause: str, words: str | None) -> None:
    found = reasons.past(bench.cause(cause))
    assert (found and bench.words(found)) == words


def test_a_log_that_speaks_of_memory_says_why_it_ended(bench: Bench) -> None:
    seen = (Evidence("log", "FATAL ERROR: Reached heap limit - JavaScript heap out of memory"),)
    found = reasons.past(bench.cause("service.failed")._replace(evidence=seen))
    assert found is not None
    assert bench.words(found) == "it had run out of memory"
