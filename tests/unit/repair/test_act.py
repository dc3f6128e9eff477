"""One act: what is refused, what is written down before and after, and what counts as proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cozydiag.config import Config, Proxy, Timing
from cozydiag.host import Failure, GivenUp, Host, Process
from cozydiag.host.commands import Completed
from cozydiag.managers.service import Life, Service
from cozydiag.repair.act import KIND, LOCK
from cozydiag.stack import Stack
from cozydiag.state import Lock, NoState, State, texts
from cozydiag.testing import HANGS, FakeHost
from cozydiag.text import t
from tests.unit.repair.conftest import COMING, DOWN, NEW, OLD, Bench, FakeManager

PROXY = Service("fake", "nginx", "proxy")
PASSED, FAILED = Completed(0, b"", b"nginx: configuration file test is successful\n"), Completed(
    1, b"", b'nginx: [alert] could not open error log file\nnginx: [emerg] unknown directive "proxy_pas" in x:7\n'
)  # fmt: skip


# --- proof


def test_a_new_process_that_stays_is_proof(bench: Bench) -> None:
    bench.manager = FakeManager(OLD, (0, COMING), (1, NEW))
    outcome = bench.act()
    assert (outcome.result, outcome.pid_before, outcome.pid_after) == ("verified", 70, 71)
    assert bench.words(outcome.text) == "it runs as a new process (PID 71) and keeps running"
    assert bench.manager.asked == [("restart", "home")]
    assert outcome.seconds == bench.machine.clock.passed
    assert outcome.seconds >= 1 + Timing().proof


def test_how_long_it_must_stay_is_a_setting(bench: Bench) -> None:
    bench.stack = Stack(Config(timing=Timing(proof=0.5)))
    assert bench.act().result == "verified"
    assert 0.5 <= bench.machine.clock.passed < Timing().proof


@pytest.mark.parametrize(
    "end",
    [
        Life(False, 0, "BACKOFF", busy=True),
        Life(True, 72, "RUNNING"),
        Failure("refused", "connection refused"),
    ],
    ids=["died", "was started again", "its manager has gone"],
)
def test_what_runs_and_does_not_stay_has_failed(bench: Bench, end: Life | Failure) -> None:
    bench.manager = FakeManager(DOWN, (0, NEW), (Timing().proof - 0.1, end))
    outcome = bench.act("start")
    assert (outcome.result, bench.words(outcome.text)) == ("failed", "it started, but did not keep running")
    assert bench.journal() == [("start", "fake:home", "failed")]


def test_the_same_process_is_no_proof_of_a_restart(bench: Bench) -> None:
    bench.manager = FakeManager(OLD, (0, OLD))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text)) == ("failed", "it still is the same process (PID 70)")
    assert bench.machine.clock.passed <= 15  # its manager's patience, and one look


@pytest.mark.parametrize("verb", ["start", "reload"])
def test_the_same_process_may_go_on_after_a_start_or_a_reload(bench: Bench, verb: str) -> None:
    bench.manager = FakeManager(OLD, (0, OLD))
    outcome = bench.act(verb)
    assert (outcome.result, bench.words(outcome.text)) == ("verified", "it runs and stays")


def of_systemd(pid: int, invocation: str) -> Life:
    return Life(True, pid, "active/running", invocation=invocation)


@pytest.mark.parametrize(
    ("before", "after", "result", "words"),
    [
        (of_systemd(0, "a"), of_systemd(0, "b"), "verified", "it runs and stays"),  # an init script's: no main process
        (of_systemd(0, "a"), of_systemd(0, "a"), "failed", "it was not started anew"),
        (of_systemd(70, "a"), of_systemd(70, "b"), "verified", "it runs and stays"),  # the number was given again
        (of_systemd(70, "a"), of_systemd(71, "a"), "failed", "it was not started anew"),  # it has replaced itself
        (of_systemd(70, ""), NEW, "verified", "it runs as a new process (PID 71) and keeps running"),
    ],
)
def test_another_invocation_is_proof_as_well_as_another_process(
    bench: Bench, before: Life, after: Life, result: str, words: str
) -> None:
    bench.manager = FakeManager(before, (0, after))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text)) == (result, words)


def test_an_invocation_that_does_not_stay_has_failed(bench: Bench) -> None:
    """Without a main process that is known only the invocation tells that it died in between."""
    bench.manager = FakeManager(of_systemd(0, "a"), (0, of_systemd(0, "b")), (1, of_systemd(0, "c")))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text)) == ("failed", "it started, but did not keep running")


def test_a_process_that_nobody_can_see_is_not_named(bench: Bench) -> None:
    unseen = Life(True, 0, "listens on port 5984")
    bench.manager = FakeManager(unseen, (0, unseen))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text)) == ("verified", "it runs and stays")


def test_what_its_manager_gives_up_has_failed_at_once(bench: Bench) -> None:
    bench.manager = FakeManager(DOWN, (0, COMING), (2, Life(False, 0, "FATAL")))
    outcome = bench.act("start")
    assert (outcome.result, bench.words(outcome.text)) == ("failed", "it does not run: FATAL")
    assert outcome.seconds < 3


def test_what_is_for_ever_on_its_way_has_failed_in_time(bench: Bench) -> None:
    bench.manager = FakeManager(DOWN, (0, COMING))
    outcome = bench.act("start")
    assert (outcome.result, bench.words(outcome.text)) == ("failed", "it does not run: STARTING")
    assert outcome.seconds <= 15


# --- managers that do not do as they should


def test_a_manager_that_hangs_is_asked_for_nothing(bench: Bench) -> None:
    bench.manager = FakeManager(HANGS)
    outcome = bench.act()
    assert (outcome.result, bench.manager.asked) == ("failed", [])
    assert bench.words(outcome.text) == f"its manager does not answer: {HANGS.detail}"
    assert outcome.seconds <= 5


def test_a_manager_that_hangs_while_it_acts_is_left_in_time(bench: Bench) -> None:
    bench.manager.answer = HANGS
    outcome = bench.act()
    assert bench.words(outcome.text) == f"its manager refused or did not finish: {HANGS.detail}"
    assert (outcome.result, outcome.seconds) == ("failed", 10)


def test_a_manager_that_hangs_afterwards_is_left_in_time(bench: Bench) -> None:
    bench.manager = FakeManager(OLD, (0, HANGS))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text)) == ("unknown", f"its manager does not answer: {HANGS.detail}")
    assert outcome.seconds <= 15


def test_a_manager_that_answers_again_is_believed(bench: Bench) -> None:
    bench.manager = FakeManager(OLD, (0, Failure("refused", "connection refused")), (2, NEW))
    assert bench.act().result == "verified"


def test_a_manager_on_whom_all_others_have_given_up_is_one_that_does_not_answer(bench: Bench) -> None:
    """GivenUp is no Exception: it would end the whole repair."""

    def life(host: Host, service: Service) -> Life:
        raise GivenUp(("supervisor.running",))

    bench.manager.life = life  # type: ignore[method-assign]
    outcome = bench.act()
    assert (outcome.result, bench.manager.asked) == ("failed", [])
    assert bench.words(outcome.text) == "its manager does not answer: others have waited there in vain"
    assert bench.journal() == [("restart", "fake:home", "failed")]


def test_a_refusal_is_told_in_the_managers_words(bench: Bench) -> None:
    bench.manager.answer = Failure("error", "NO_FILE: {no} such file")
    outcome = bench.act("start")
    assert (outcome.result, outcome.pid_after) == ("failed", 0)
    assert bench.words(outcome.text) == "its manager refused or did not finish: NO_FILE: {no} such file"


def test_a_manager_that_nobody_knows_is_refused(bench: Bench) -> None:
    outcome = bench.act(service=Service("daemontools", "home"))
    assert (outcome.result, bench.words(outcome.text)) == ("refused", "daemontools cannot be used from here")
    assert bench.journal() == []


class Waking(FakeHost):
    """Notes who is woken."""

    woken: tuple[int, ...] = ()

    def wake(self, pid: int) -> bool:
        self.woken += (pid,)
        return super().wake(pid)


def test_a_stopped_process_is_woken_before_its_manager_is_asked(bench: Bench) -> None:
    """Else it could not end in an orderly way, and its manager would kill it."""
    bench.machine.processes = (Process(70, 1, "T", "node", 0.0, (), 0),)
    host = bench.host = Waking(bench.machine, 3600.0)
    when_asked: list[tuple[int, ...]] = []
    bench.manager.then = lambda: when_asked.append(host.woken)
    assert bench.act().result == "verified"
    assert when_asked == [(70,)]


def test_nobody_is_woken_where_nothing_runs(bench: Bench) -> None:
    host = bench.host = Waking(bench.machine, 3600.0)
    bench.manager = FakeManager(DOWN)
    bench.act("start")
    assert host.woken == ()


# --- the proxy's own test


def its_test(bench: Bench, done: Completed | Failure, **settings: Any) -> list[Sequence[str]]:
    """A proxy whose test ends like this; gives the tests that are run."""
    ran: list[Sequence[str]] = []

    def nginx(argv: Sequence[str]) -> Completed | Failure:
        ran.append(argv)
        return done

    bench.machine.commands = {"nginx": nginx}
    bench.stack = Stack(Config(**settings))
    return ran


@pytest.mark.parametrize("verb", ["start", "restart", "reload"])
def test_a_proxy_with_a_broken_configuration_is_not_touched(bench: Bench, verb: str) -> None:
    its_test(bench, FAILED)
    outcome = bench.act(verb, PROXY)
    assert (outcome.result, bench.manager.asked, bench.journal()) == ("refused", [], [])
    told = 'its configuration does not pass its own test: nginx: [emerg] unknown directive "proxy_pas" in x:7'
    assert bench.words(outcome.text) == told


def test_a_proxy_that_cannot_be_tested_is_not_touched(bench: Bench) -> None:
    its_test(bench, Failure("missing", "no nginx"))
    outcome = bench.act(service=PROXY)
    assert (outcome.result, bench.manager.asked) == ("refused", [])
    assert bench.words(outcome.text) == "its configuration could not be tested: no nginx"


def test_a_test_that_says_nothing_in_its_usual_words_is_shown_as_it_is(bench: Bench) -> None:
    its_test(bench, Completed(1, b"", b"\x1b[31mnginx: out of\nluck\n"))
    assert bench.words(bench.act(service=PROXY).text).endswith("own test: nginx: out of luck")


def test_a_proxy_is_tested_with_its_own_configuration_and_then_restarted(bench: Bench) -> None:
    ran = its_test(bench, PASSED, programs={"nginx": "/opt/nginx"}, proxy=Proxy(conf="/etc/n.conf"))
    assert bench.act(service=PROXY).result == "verified"
    assert ran == [("/opt/nginx", "-t", "-c", "/etc/n.conf")]


def test_only_a_proxy_is_tested(bench: Bench) -> None:
    ran = its_test(bench, FAILED)
    assert bench.act(service=Service("fake", "home", "cozy.home")).result == "verified"
    assert ran == []


# --- the journal and the lock


def test_the_intent_is_written_before_anything_is_asked_and_the_result_afterwards(bench: Bench) -> None:
    seen: list[object] = []
    bench.manager.then = lambda: seen.extend(bench.state.entries(KIND))
    outcome = bench.act()
    [before] = seen
    [after] = bench.state.entries(KIND)
    assert before == after._replace(result=None)
    told = {"service": "fake:home", "verb": "restart", "why": "service.hung", "by": "ann"}
    assert {name: after.data[name] for name in told} == told
    assert after.at == bench.machine.clock.now() - outcome.seconds
    assert after.result == outcome.record() == {
        "result": "verified", "text": "it runs as a new process (PID 71) and keeps running", "pid": 71,
        "seconds": round(outcome.seconds, 1), "said": texts.as_data(outcome.text),
    }  # fmt: skip
    assert outcome.entry == after.id


def test_nothing_is_done_without_a_journal(bench: Bench) -> None:
    folder = bench.state.folder
    bench.state = State(folder, None)
    outcome = bench.act()
    assert (outcome.result, bench.manager.asked) == ("refused", [])
    told = f"nothing is done without a journal, and it cannot be written in {folder}"
    assert bench.words(outcome.text) == told


def test_nothing_is_done_without_a_state(bench: Bench) -> None:
    bench.state = NoState("/nowhere", t("it is full"))
    outcome = bench.act()
    assert (outcome.result, bench.words(outcome.text), bench.manager.asked) == ("refused", "it is full", [])


def test_two_do_not_act_at_once(bench: Bench) -> None:
    lock = bench.state.lock(LOCK)
    assert isinstance(lock, Lock)
    with lock:
        outcome = bench.act()
        assert (outcome.result, bench.manager.asked, bench.journal()) == ("busy", [], [])
        assert bench.words(outcome.text).startswith("another cozydiag is at work here (PID ")
    assert bench.act().result == "verified"


def test_who_holds_the_lock_acts_under_it(bench: Bench) -> None:
    lock = bench.state.lock(LOCK)
    assert isinstance(lock, Lock)
    with lock:
        assert bench.act(lock=lock).result == "verified"
        assert bench.act().result == "busy"  # it is still held


def test_the_lock_is_held_while_it_is_asked_and_free_afterwards(bench: Bench) -> None:
    inner: list[str] = []
    manager = bench.manager

    def ask_for_more() -> None:
        manager.then = lambda: None
        inner.append(bench.act().result)

    manager.then = ask_for_more
    assert bench.act().result == "verified"
    assert inner == ["busy"]
    bench.manager = FakeManager()
    assert bench.act().result == "verified"
