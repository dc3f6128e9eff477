"""A whole repair on a false clock: look, act, look again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from xmlrpc.client import dumps

import pytest

from cozydiag.cli.fix_run import code
from cozydiag.config import Config, Timing
from cozydiag.config.values import Repair
from cozydiag.host import Answer, Failure
from cozydiag.host.commands import Completed
from cozydiag.managers.service import Life, Service
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.model import Report, Status
from cozydiag.repair import evidence
from cozydiag.repair.act import KIND, LOCK, Outcome
from cozydiag.repair.budget import Verdict
from cozydiag.repair.gates import Terms
from cozydiag.repair.moments import Moment
from cozydiag.repair.plan import Action, Plan, make
from cozydiag.repair.session import Repaired, Session
from cozydiag.stack import Stack
from cozydiag.state import DAMAGED, Lock
from cozydiag.testing import HANGS, FakeSupervisord, Request, answer, process_info
from cozydiag.text import t
from tests.unit.repair.conftest import DOWN, OLD, Bench, FakeManager

AUTO, PERSON = Terms(auto=True), Terms()


class Told:
    """Notes what people are told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.on_begin: Callable[[], object] = lambda: None

    def begins(self, action: Action) -> None:
        self.lines.append(f"begins {action.service.unit}")
        self.on_begin()

    def watches(self, action: Action, seconds: float) -> None:
        assert seconds >= Repair().stable

    def ended(self, action: Action, outcome: Outcome) -> None:
        self.lines.append(f"{outcome.result} {action.service.unit}")

    def passed(self, action: Action, verdict: Verdict, *, known: bool) -> None:
        self.lines.append(f"{verdict.outcome} {action.service.unit} {verdict.code}" + (" known" if known else ""))


class Ever:
    """A manager of many, each of which gets a new process whenever it is asked for."""

    def __init__(self, *hopeless: str) -> None:
        self.pids: dict[str, int] = {}
        self.hopeless = hopeless
        self.asked: list[str] = []

    def manager(self) -> FakeManager:
        fake = FakeManager()
        fake.life = lambda host, service: Life(  # type: ignore[method-assign]
            service.unit not in self.hopeless, self.pids.get(service.unit, 1), "-"
        )

        def ask(host: object, service: Service, verb: str) -> None:
            self.asked.append(service.unit)
            self.pids[service.unit] = self.pids.get(service.unit, 1) + 1

        fake.ask = ask  # type: ignore[method-assign]
        return fake


class Scene:
    """``reports`` are what is seen after each act, one for each look; the last one stays. The look that ends the watch
    over what is well sees it as the one before did."""

    def __init__(self, bench: Bench, *reports: Report) -> None:
        self.bench = bench
        self.first, *rest = reports
        self.reports = rest or [self.first]
        self.told = Told()
        self.looks = 0
        self.before: list[Stack] = []
        self.seen: tuple[float, Report] = (0.0, self.first)

    def look(self, before: Stack) -> tuple[Report, Stack]:
        self.looks += 1
        self.before.append(before)
        now, rules = self.bench.machine.clock.passed, self.bench.stack.config.repair
        if self.looks == 1 or not rules.stable <= now - self.seen[0] <= 3 * rules.stable:
            report = self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]
            self.seen = (now, report)
        else:
            self.seen = (now, self.seen[1])
        return self.seen[1], Stack(self.bench.stack.config)

    def run(self) -> Repaired:
        bench = self.bench
        lock = bench.state.lock(LOCK)
        assert isinstance(lock, Lock)
        with lock:
            session = Session(self.look, bench.state, lock, self.told, "ann", bench.host)
            return session.run(self.first, make(bench.host, bench.stack, self.first), bench.stack)


@pytest.fixture
def ever(bench: Bench) -> Ever:
    ever = Ever()
    bench.manager = ever.manager()
    return ever


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The handlers are as before, whatever a repair did."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_cause_is_mended_and_looked_at_again(bench: Bench, ever: Ever) -> None:
    scene = Scene(bench, bench.report(bench.cause()), bench.report())
    repaired = scene.run()
    assert scene.told.lines == ["begins home", "verified home"]
    assert ever.asked == ["home"]
    assert (repaired.report.verdict, repaired.left, repaired.interrupted) == (Status.OK, ((), ()), False)
    assert repaired.seconds == bench.machine.clock.passed >= Timing().proof
    assert bench.state.entries(KIND)[0].data["by"] == "ann"


def test_two_causes_are_mended_in_order_with_a_look_between(bench: Bench, ever: Ever) -> None:
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    scene = Scene(bench, bench.report(home, couchdb), bench.report(home), bench.report())
    scene.run()
    assert scene.told.lines == ["begins couchdb", "verified couchdb", "begins home", "verified home"]
    assert scene.looks == 4


def test_what_mended_itself_is_left_alone(bench: Bench, ever: Ever) -> None:
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    Scene(bench, bench.report(home, couchdb), bench.report()).run()
    assert ever.asked == ["couchdb"]


def test_a_cause_that_comes_to_light_is_mended_too(bench: Bench, ever: Ever) -> None:
    first = bench.cause(role="couchdb", service="fake:couchdb", explains=("stack.home",))
    later = bench.cause("service.failed", instance="supervisor.program:home")
    repaired = Scene(bench, bench.report(first), bench.report(later), bench.report()).run()
    assert ever.asked == ["couchdb", "home"]
    assert [outcome.result for _, outcome in repaired.done] == ["verified", "verified"]


def test_no_service_is_acted_on_twice(bench: Bench, ever: Ever) -> None:
    """Not even for another cause of its."""
    again = bench.cause("service.error", instance="other")
    repaired = Scene(bench, bench.report(bench.cause()), bench.report(again)).run()
    assert ever.asked == ["home"]
    assert repaired.report.causes == (again,)
    assert [action.cause for action in repaired.left.actions] == [again]


def test_what_failed_gets_time_to_be_well(bench: Bench, ever: Ever) -> None:
    broken = bench.report(bench.cause())
    scene = Scene(bench, broken, *[broken] * 9, bench.report())
    [(_, outcome)] = scene.run().done
    assert (outcome.result, scene.looks) == ("verified", 11)  # the last one ends the watch
    assert bench.machine.clock.passed < Timing().proof + Timing().settle + Repair().stable


@pytest.mark.parametrize("settle", [20.0, 2.0])
def test_what_still_fails_after_its_time_was_not_mended(bench: Bench, ever: Ever, settle: float) -> None:
    bench.stack = Stack(Config(timing=Timing(settle=settle)))
    broken = bench.report(bench.cause())
    repaired = Scene(bench, broken, broken).run()
    [(_, outcome)] = repaired.done
    told = "it runs as a new process, but what failed still fails"
    assert (outcome.result, bench.words(outcome.text)) == ("failed", told)
    assert Timing().proof + settle <= bench.machine.clock.passed <= Timing().proof + settle + 1
    [entry] = bench.state.entries(KIND)
    assert (entry.result["result"], entry.result["text"]) == ("failed", told)
    assert repaired.report.verdict is Status.FAIL


def test_what_it_explained_must_be_well_too(bench: Bench, ever: Ever) -> None:
    cause = bench.cause(explains=("proxy.gateway:cozy",))
    gateway = bench.result("proxy.gateway:cozy", Status.FAIL)
    repaired = Scene(bench, bench.report(cause), bench.report(results=[gateway])).run()
    assert [outcome.result for _, outcome in repaired.done] == ["failed"]


def test_what_fails_because_of_something_else_does_not_count(bench: Bench, ever: Ever) -> None:
    cause = bench.cause(explains=("proxy.gateway:cozy",))
    other = bench.cause(role="cozy.proxy", service="fake:proxy", explains=("proxy.gateway:cozy",))
    scene = Scene(bench, bench.report(cause, other), bench.report(other), bench.report())
    scene.run()
    assert scene.told.lines == ["begins home", "verified home", "begins proxy", "verified proxy"]
    assert scene.looks == 4


def test_what_is_still_starting_is_waited_for(bench: Bench, ever: Ever) -> None:
    cause = bench.cause("service.stopped")
    starting = bench.cause("service.starting", severity=Status.WARN, restart_helps=False)
    scene = Scene(bench, bench.report(cause), bench.report(starting), bench.report(starting), bench.report())
    repaired = scene.run()
    assert (scene.looks, repaired.report.verdict) == (4, Status.OK)


def test_what_could_not_be_looked_at_is_not_well(bench: Bench, ever: Ever) -> None:
    cause = bench.cause()
    unseen = bench.report(results=[bench.result(cause.instance, Status.UNKNOWN)])
    [(_, outcome)] = Scene(bench, bench.report(cause), unseen).run().done
    assert outcome.result == "failed"


@pytest.mark.parametrize(("code", "restart_helps"), [("couchdb.credentials_refused", False), ("service.failed", True)])
def test_what_does_not_pass_by_itself_is_not_waited_for(
    bench: Bench, ever: Ever, code: str, restart_helps: bool
) -> None:
    """It was hidden by what is mended now, and is a cause of its own. Each look would be one more login."""
    cause = bench.cause(role="couchdb", service="fake:couchdb", explains=("couchdb.login",))
    lasting = bench.cause(code, instance="couchdb.login", restart_helps=restart_helps, service=None)
    scene = Scene(bench, bench.report(cause), bench.report(lasting))
    repaired = scene.run()
    assert (scene.looks, [outcome.result for _, outcome in repaired.done]) == (2, ["verified"])
    assert repaired.report.causes == (lasting,)


def test_each_look_knows_the_one_before(bench: Bench, ever: Ever) -> None:
    """What was refused once is not tried again."""
    broken = bench.report(bench.cause())
    scene = Scene(bench, broken, broken, bench.report())
    scene.run()
    assert scene.before[0] is bench.stack
    assert len({id(stack) for stack in scene.before}) == scene.looks == 3


def test_an_act_that_failed_stops_nobody_from_the_next(bench: Bench) -> None:
    ever = Ever("couchdb")
    bench.manager = ever.manager()
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    repaired = Scene(bench, bench.report(home, couchdb), bench.report(home, couchdb), bench.report(couchdb)).run()
    assert ever.asked == ["couchdb", "home"]
    assert [outcome.result for _, outcome in repaired.done] == ["failed", "verified"]
    assert [entry.result["result"] for entry in bench.state.entries(KIND)] == ["failed", "verified"]


def test_what_is_not_allowed_is_left(bench: Bench, ever: Ever) -> None:
    bench.machine.uid = 1000
    scene = Scene(bench, bench.report(bench.cause()), bench.report())
    repaired = scene.run()
    assert (repaired.done, ever.asked, scene.told.lines) == ((), [], [])
    assert [action.service.unit for action in repaired.left.actions] == ["home"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_act_come_to_its_end_and_no_other_begin(
    bench: Bench, ever: Ever, number: signal.Signals
) -> None:
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    scene = Scene(bench, bench.report(home, couchdb), bench.report(home))
    scene.told.on_begin = lambda: os.kill(os.getpid(), number)
    before = signal.signal(number, signal.default_int_handler)  # a suite in the background is begun with SIGINT ignored
    try:
        repaired = scene.run()
    finally:
        signal.signal(number, before)
    assert scene.told.lines == ["begins couchdb", "verified couchdb"]
    assert repaired.interrupted
    assert bench.journal() == [("restart", "fake:couchdb", "verified")]
    assert [action.service.unit for action in repaired.left.actions] == ["home"]


def test_a_signal_that_was_ignored_stays_ignored(bench: Bench, ever: Ever) -> None:
    """As under nohup."""
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    scene = Scene(bench, bench.report(home, couchdb), bench.report(home), bench.report())
    scene.told.on_begin = lambda: os.kill(os.getpid(), signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        repaired = scene.run()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not repaired.interrupted
    assert ever.asked == ["couchdb", "home"]


def test_a_start_is_proven_as_a_restart_is(bench: Bench) -> None:
    bench.manager = FakeManager(DOWN, (0, OLD))
    [(action, outcome)] = Scene(bench, bench.report(bench.cause("service.stopped")), bench.report()).run().done
    assert (action.verb, outcome.result, outcome.pid_after) == ("start", "verified", OLD.pid)


def test_a_supervisord_that_hangs_in_mid_act_ends_the_act_and_not_the_repair(bench: Bench) -> None:
    """The act waits in vain at its socket again and again, and then others do not even try there: GivenUp."""
    socket = "/run/supervisor.sock"
    supervisord = FakeSupervisord([process_info("home", "STOPPED")])

    def hangs_once_it_is_told_to_act(request: Request) -> Answer | Failure:
        if b"startProcess" in request.body:
            bench.machine.sockets = {socket: HANGS}
            return answer(200, dumps((True,), methodresponse=True))
        return supervisord(request)

    bench.machine.sockets = {socket: hangs_once_it_is_told_to_act}
    bench.manager = Supervisord(socket)  # type: ignore[assignment]
    down = bench.cause("service.down", service="supervisord:home")
    couchdb = bench.cause("service.down", role="cozy.proxy", service="supervisord:proxy")
    repaired = Scene(bench, bench.report(down, couchdb), bench.report(down, couchdb)).run()
    assert [outcome.result for _, outcome in repaired.done] == ["unknown", "failed"]
    assert bench.machine.clock.passed < 60


# --- terms, budgets, and what is told


def run(bench: Bench, *reports: Report, terms: Terms = PERSON, confirm: bool = False) -> tuple[Repaired, list[str]]:
    """One run; what was told."""
    scene = Scene(bench, *reports)
    lock = bench.state.lock(LOCK)
    assert isinstance(lock, Lock)
    with lock:
        session = Session(scene.look, bench.state, lock, scene.told, "ann", bench.host, terms)
        plan = make(bench.host, bench.stack, scene.first)
        start = (scene.first, plan, bench.stack)
        return session.run(*(session.confirm(*start) if confirm else start)), scene.told.lines


def test_a_person_waits_for_a_second_look_and_what_is_well_by_then_is_left_alone(bench: Bench, ever: Ever) -> None:
    repaired, told = run(bench, bench.report(bench.cause()), bench.report(), confirm=True)
    assert (repaired.done, told, ever.asked) == ((), [], [])
    assert bench.machine.clock.passed == Repair().confirm


def test_what_still_fails_at_the_second_look_is_mended(bench: Bench, ever: Ever) -> None:
    broken = bench.report(bench.cause())
    _, told = run(bench, broken, broken, bench.report(), confirm=True)
    assert told == ["begins home", "verified home"]


def test_a_timer_acts_in_its_second_run(bench: Bench, ever: Ever) -> None:
    bench.machine.files = {"/proc/uptime": b"99999.0 1.0"}
    broken = bench.report(bench.cause())
    assert run(bench, broken, terms=AUTO, confirm=True)[1] == ["deferred home confirm"]
    bench.machine.clock.sleep(30)
    assert run(bench, broken, terms=AUTO)[1] == ["deferred home confirm known"]
    bench.machine.clock.sleep(30)
    assert run(bench, broken, bench.report(), terms=AUTO)[1] == ["begins home", "verified home"]


def test_health_between_two_runs_begins_the_count_anew(bench: Bench, ever: Ever) -> None:
    bench.machine.files = {"/proc/uptime": b"99999.0 1.0"}
    broken = bench.report(bench.cause())
    for report in (broken, bench.report(), broken):
        run(bench, report, terms=AUTO)
        bench.machine.clock.sleep(300)
    assert ever.asked == []
    run(bench, broken, bench.report(), terms=AUTO)
    assert ever.asked == ["home"]


def test_what_is_held_is_told_once(bench: Bench) -> None:
    bench.manager = Ever("home").manager()
    bench.machine.files = {"/proc/uptime": b"99999.0 1.0"}
    broken = bench.report(bench.cause())
    told = []
    for _ in range(100):
        told += run(bench, broken, terms=AUTO)[1]
        bench.machine.clock.sleep(300)
    assert told.count("failed home") == 3
    assert told.count("held home budget.held") == 1
    assert told[-1] == "held home budget.held known"
    assert [entry.result["result"] for entry in bench.state.entries("gate")].count("held") == 1


def test_a_person_is_told_each_time(bench: Bench) -> None:
    bench.state.keep_service("fake:home", {"held": [0.0, "", 0.0]})
    broken = bench.report(bench.cause())
    assert [run(bench, broken)[1] for _ in range(2)] == [["held home budget.held"]] * 2
    [first, second] = bench.state.entries("gate")
    assert first.data["gate"] == second.data["gate"] == "budget.held"
    assert (first.data["by"], first.result["result"]) == ("ann", "held")
    assert "cozydiag fix --reset fake:home" in first.result["text"]


def test_so_many_acts_at_most(bench: Bench, ever: Ever) -> None:
    causes = [bench.cause(role=role, service=f"fake:{role}") for role in ("couchdb", "cozy.home", "proxy")]
    reports = [bench.report(*causes[number:]) for number in range(4)]
    repaired, _ = run(bench, *reports, terms=Terms(most=2))
    assert ever.asked == ["couchdb", "cozy.home"]
    assert [action.service.unit for action in repaired.left.actions] == ["proxy"]


@pytest.mark.parametrize("name", ["home", "fake:home", "cozy.home"])
def test_only_what_is_meant(bench: Bench, ever: Ever, name: str) -> None:
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    both, one = bench.report(home, couchdb), bench.report(couchdb)
    run(bench, both, one, terms=Terms(only=(name,)))
    assert ever.asked == ["home"]


def test_what_cozydiag_was_cut_off_in_is_closed_and_counts(bench: Bench, ever: Ever) -> None:
    entry = bench.state.append(KIND, {"service": "fake:home", "verb": "restart"}, at=bench.machine.clock.now() - 60)
    assert entry is not None
    broken = bench.report(bench.cause())
    assert run(bench, broken)[1] == ["deferred home budget.cooldown"]
    found = bench.state.entry(entry)
    assert found is not None
    assert found.result["result"] == "unknown"


def test_what_is_well_for_a_moment_only_has_failed(bench: Bench, ever: Ever) -> None:
    cause = bench.cause()
    scene = Scene(bench, bench.report(cause), bench.report())
    looks = iter([bench.report(), bench.report(cause)])
    scene.look = lambda before: (next(looks), before)  # type: ignore[method-assign]
    [(_, outcome)] = scene.run().done
    told = "it was well for a moment, and then failed again"
    assert (outcome.result, bench.words(outcome.text)) == ("failed", told)
    assert bench.state.entries(KIND)[0].result["result"] == "failed"


def test_what_is_replaced_once_more_has_failed(bench: Bench) -> None:
    stable = Timing().proof + Repair().stable
    bench.manager = FakeManager(OLD, (0, Life(True, 71, "RUNNING")), (stable - 1, Life(True, 72, "RUNNING")))
    [(_, outcome)] = Scene(bench, bench.report(bench.cause()), bench.report()).run().done
    told = "it was well, but it has been replaced by yet another process since"
    assert (outcome.result, bench.words(outcome.text)) == ("failed", told)


def test_couchdb_is_watched_for_longer(bench: Bench, ever: Ever) -> None:
    Scene(bench, bench.report(bench.cause(role="couchdb", service="fake:couchdb")), bench.report()).run()
    assert bench.machine.clock.passed >= Timing().proof + 3 * Repair().stable


def test_what_became_worse_is_told_first(bench: Bench, ever: Ever) -> None:
    cause, other = bench.cause(), bench.cause(role="proxy", service="fake:nginx", instance="proxy.running")
    well = bench.result("proxy.running", Status.OK)
    repaired = Scene(bench, bench.report(cause, results=[well]), bench.report(other), bench.report(other)).run()
    assert repaired.worse == (other,)


def test_what_only_now_can_be_seen_is_named(bench: Bench, ever: Ever) -> None:
    app = bench.result("manager.service:cozy-monitor:contacts", Status.OK)
    repaired = Scene(bench, bench.report(bench.cause()), bench.report(results=[app])).run()
    assert repaired.revealed == ("cozy-monitor:contacts",)


def test_how_long_it_was_down_is_known_from_the_earlier_run_that_saw_it(bench: Bench, ever: Ever) -> None:
    broken = bench.report(bench.cause())
    bench.state.keep_service("fake:home", {"failing": Moment.now(bench.machine.clock)})
    bench.machine.clock.sleep(400)
    broken = broken._replace(started_at=bench.machine.clock.now())
    repaired, _ = run(bench, broken, bench.report())
    assert repaired.down == pytest.approx(400 + Timing().proof + Repair().stable, abs=1)


def test_the_evidence_of_a_run_lies_in_one_incident(bench: Bench, ever: Ever) -> None:
    home, couchdb = bench.cause(), bench.cause(role="couchdb", service="fake:couchdb")
    run(bench, bench.report(home, couchdb), bench.report(home), bench.report())
    incidents = {entry.data["incident"] for entry in bench.state.entries(KIND)}
    assert len(incidents) == 1
    kept = evidence.read(bench.state.folder, incidents.pop())
    assert [one["service"] for one in kept] == ["fake:couchdb", "fake:home"]


# --- exit codes


def repaired(bench: Bench, report: Report, *passed: str, left: bool = True) -> Repaired:
    plan = make(bench.host, bench.stack, report)
    why = [
        (action, Verdict(passed[0], passed[1], t("because")))  # type: ignore[arg-type]
        for action in plan.actions
        if passed
    ]
    return Repaired((), report, plan if left else Plan((), ()), False, 1.0, tuple(why))


def test_the_exit_code_says_how_things_stand(bench: Bench) -> None:
    broken, well = bench.report(bench.cause()), bench.report()
    helpless = bench.report(bench.cause(), bench.cause("couchdb.credentials_refused", "couchdb", restart_helps=False))
    warned = bench.report(bench.cause("host.disk_nearly_full", "host", severity=Status.WARN, restart_helps=False))
    unseen = well._replace(verdict=Status.UNKNOWN)
    assert [
        code(repaired(bench, well)),
        code(repaired(bench, warned)),
        code(repaired(bench, broken)),
        code(repaired(bench, unseen)),
        code(repaired(bench, broken, "deferred", "budget.cooldown")),
        code(repaired(bench, broken, "deferred", "budget.hour")),
        code(repaired(bench, broken, "held", "budget.held")),
        code(repaired(bench, broken, "refused", "never")),
        code(repaired(bench, helpless, "deferred", "maintenance")),
    ] == [0, 1, 2, 3, 1, 75, 2, 2, 2]


def test_what_no_restart_can_mend_is_written_down_once(bench: Bench, ever: Ever) -> None:
    login = bench.cause("couchdb.credentials_refused", "couchdb", restart_helps=False, service=None)
    for _ in range(3):
        run(bench, bench.report(login))
    run(bench, bench.report())
    run(bench, bench.report(login))
    [first, second] = bench.state.entries("gate")
    assert (first.data["service"], first.data["why"]) == ("test.couchdb", "couchdb.credentials_refused")
    assert first.result["text"] == second.result["text"] == "the fault would still be there afterwards"


def test_a_proxy_that_does_not_pass_its_own_test_is_written_down(bench: Bench, ever: Ever) -> None:
    bench.machine.commands = {"nginx": Completed(1, b"", b"nginx: [emerg] no\n")}
    hung = bench.report(bench.cause(role="proxy", service="fake:nginx"))
    assert run(bench, hung, hung)[1] == ["begins nginx", "refused nginx"]
    [entry] = bench.state.entries("gate")
    assert (entry.data["gate"], entry.result["result"], bench.state.entries(KIND)) == ("test", "refused", [])


def test_a_damaged_memory_holds_timers_and_no_service(bench: Bench, ever: Ever) -> None:
    bench.machine.files = {"/proc/uptime": b"99999.0 1.0"}
    bench.state.set(DAMAGED, {"at": bench.machine.clock.now(), "aside": "x"})
    bench.state.keep_service("fake:home", {"failing": Moment.now(bench.machine.clock)})
    bench.machine.clock.sleep(300)
    broken = bench.report(bench.cause())
    assert run(bench, broken, terms=AUTO)[1] == ["held home budget.damaged"]
    assert run(bench, broken, bench.report())[1] == ["begins home", "verified home"]
