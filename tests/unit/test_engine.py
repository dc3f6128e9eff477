"""What bears on what: tables of small checks, run by the real engine and diagnosed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest

from cozydiag.config import Config
from cozydiag.engine.diagnosis import Diagnosis, verdict
from cozydiag.engine.registry import pick
from cozydiag.engine.run import Run
from cozydiag.host import GivenUp, Host
from cozydiag.model import Check, Finding, Status
from cozydiag.stack import Items, Stack
from cozydiag.testing import FakeHost, Machine
from cozydiag.text import Text, t

OK, SKIP, WARN, FAIL, UNKNOWN = Status.OK, Status.SKIP, Status.WARN, Status.FAIL, Status.UNKNOWN
BLOCKED, ERROR = Status.BLOCKED, Status.ERROR


class Item(NamedTuple):
    subject: str
    role: str | None = None


class Sources(Stack):
    """A stack with sources of our own."""

    def __init__(self, **sources: Sequence[Item] | Items | BaseException) -> None:
        super().__init__(Config())
        self.sources = sources

    def source(self, name: str) -> Callable[[Host], Items]:
        made = self.sources[name]

        def give(host: Host) -> Items:
            if isinstance(made, BaseException):
                raise made
            return made if isinstance(made, Items) else Items(tuple(made))

        return give


def finding(status: Status, **fields: Any) -> Finding:
    return Finding(status, f"test.{status}", t("it is so"), advice=t("Look."), **fields)


def says(id: str, outcome: Status | Mapping[str, Status] | BaseException = OK, **fields: Any) -> Check:
    """A check that says ``outcome``, by subject where that is a mapping; ``finding`` holds fields of what it says."""
    more = fields.pop("finding", {})

    def function(host: Host, stack: Stack, *items: Item) -> Iterator[Finding]:
        if isinstance(outcome, BaseException):
            raise outcome
        yield finding(outcome[items[0].subject] if isinstance(outcome, Mapping) else outcome, **more)

    return Check(id, t("A test"), function, **fields)


def examine(
    *checks: Check, stack: Stack | None = None, only: Sequence[str] = (), skip: Sequence[str] = ()
) -> Diagnosis:
    stack = stack or Sources()
    chosen = pick({check.id: check for check in checks}, tuple(only), tuple(skip))
    seen = Run(chosen, FakeHost(Machine(), 20.0), stack, skip=tuple(skip)).run()
    return Diagnosis(chosen, seen, {})


def statuses(diagnosis: Diagnosis) -> dict[str, Status]:
    return {result.instance: result.status for result in diagnosis.results}


def blocked_by(diagnosis: Diagnosis, instance: str) -> tuple[str, ...]:
    return diagnosis.by_name[instance].blocked_by


def causes(diagnosis: Diagnosis) -> dict[str, tuple[str, ...]]:
    return {cause.instance: cause.explains for cause in diagnosis.causes}


# --- one check needs another


@pytest.mark.parametrize(
    ("first", "second"),
    [(FAIL, BLOCKED), (OK, OK), (SKIP, OK), (WARN, OK), (UNKNOWN, OK), (OSError("broken"), OK)],
    ids=str,
)
def test_only_failures_block(first: Status | OSError, second: Status) -> None:
    diagnosis = examine(says("a", first), says("b", needs=("a",)))
    assert statuses(diagnosis)["b"] is second
    assert blocked_by(diagnosis, "b") == (("a",) if second is BLOCKED else ())


def test_the_blocked_block_in_turn_and_the_root_explains_them_all() -> None:
    diagnosis = examine(says("a", FAIL), says("b", needs=("a",)), says("c", needs=("b",)))
    assert blocked_by(diagnosis, "c") == ("b",)
    assert causes(diagnosis) == {"a": ("b", "c")}


@pytest.mark.parametrize(
    ("first", "reasons"),
    [(FAIL, ("a",)), (OK, ()), (SKIP, ()), (WARN, ()), (UNKNOWN, ()), (OSError("broken"), ())],
    ids=str,
)
def test_only_failures_explain(first: Status | OSError, reasons: tuple[str, ...]) -> None:
    diagnosis = examine(says("a", first), says("b", FAIL, because=("a",)))
    assert diagnosis.explained["b"] == reasons
    assert ("b" in causes(diagnosis)) == (not reasons)


@pytest.mark.parametrize("second", [OK, SKIP, UNKNOWN])
def test_what_does_not_fail_needs_no_explanation(second: Status) -> None:
    diagnosis = examine(says("a", FAIL), says("b", second, because=("a",)))
    assert statuses(diagnosis)["b"] is second
    assert causes(diagnosis) == {"a": ()}


def test_a_blocked_check_explains_through_what_blocks_it() -> None:
    diagnosis = examine(says("a", FAIL), says("b", needs=("a",)), says("c", FAIL, because=("b",)))
    assert causes(diagnosis) == {"a": ("b", "c")}


def test_a_failure_that_names_whom_it_affects_explains_nobody_else() -> None:
    a = says("a", FAIL, role="x", finding={"affects": ("y",)})
    diagnosis = examine(a, says("b", FAIL, role="y", because=("a",)), says("c", FAIL, role="z", because=("a",)))
    assert causes(diagnosis) == {"a": ("b",), "c": ()}


def test_a_failure_seen_on_the_thing_itself_is_explained_by_no_other() -> None:
    diagnosis = examine(says("a", FAIL), says("b", FAIL, because=("a",), finding={"own": True}))
    assert causes(diagnosis) == {"a": (), "b": ()}


def test_failures_of_one_role_are_one_cause() -> None:
    diagnosis = examine(says("a", FAIL, role="x"), says("b", FAIL, role="x"), says("c", FAIL, role="y"))
    assert causes(diagnosis) == {"a": ("b",), "c": ()}


def test_who_waits_for_a_role_is_explained_by_its_failure() -> None:
    waiting = says("b", FAIL, role="y", finding={"waits_for": ("x",)})
    assert causes(examine(says("a", FAIL, role="x", finding={"role": "x"}), waiting)) == {"a": ("b",)}


def test_two_that_wait_for_each_other_still_have_a_cause() -> None:
    first = says("a", FAIL, finding={"role": "x", "waits_for": ("y",)})
    second = says("b", FAIL, finding={"role": "y", "waits_for": ("x",)})
    diagnosis = examine(first, second)
    assert causes(diagnosis) == {"a": ("b",)}
    assert verdict(diagnosis.results, diagnosis.causes) is FAIL


# --- checks that go through a source


TWO = Sources(things=[Item("one"), Item("two")])


def test_each_waits_for_the_plain() -> None:
    diagnosis = examine(says("a", FAIL), says("b", each="things", needs=("a",)), stack=TWO)
    assert statuses(diagnosis) == {"a": FAIL, "b:one": BLOCKED, "b:two": BLOCKED}


def test_the_plain_runs_when_some_failed_and_is_explained_by_them() -> None:
    some = says("a", {"one": FAIL, "two": OK}, each="things")
    diagnosis = examine(some, says("b", FAIL, needs=("a",)), stack=TWO)
    assert statuses(diagnosis)["b"] is FAIL
    assert diagnosis.explained["b"] == ("a:one",)


def test_the_plain_is_blocked_when_all_failed() -> None:
    diagnosis = examine(says("a", FAIL, each="things"), says("b", needs=("a",)), stack=TWO)
    assert blocked_by(diagnosis, "b") == ("a:one", "a:two")


def test_each_waits_for_the_same_subject_of_its_own_source() -> None:
    first = says("a", {"one": FAIL, "two": OK}, each="things")
    diagnosis = examine(first, says("b", each="things", needs=("a",)), stack=TWO)
    assert statuses(diagnosis) == {"a:one": FAIL, "a:two": OK, "b:one": BLOCKED, "b:two": OK}


def test_each_waits_for_the_same_role_of_another_source() -> None:
    stack = Sources(things=[Item("one", "x"), Item("two", "y")], others=[Item("uno", "x"), Item("tre", "z")])
    first = says("a", FAIL, each="things")
    diagnosis = examine(first, says("b", each="others", needs=("a",)), stack=stack)
    assert (blocked_by(diagnosis, "b:uno"), statuses(diagnosis)["b:tre"]) == (("a:one",), OK)


def test_no_role_is_no_common_role() -> None:
    stack = Sources(things=[Item("one")], others=[Item("uno")])
    diagnosis = examine(
        says("a", FAIL, each="things"),
        says("b", each="others", needs=("a",)),
        says("c", FAIL, each="others", because=("a",)),
        stack=stack,
    )
    assert statuses(diagnosis)["b:uno"] is OK
    assert causes(diagnosis) == {"a:one": (), "c:uno": ()}


def calls(sites: int) -> int:
    """Of functions, for a diagnosis of so many sites of which all are broken, each by itself."""
    items = tuple(Item(f"site-{number}.example") for number in range(sites))
    made = [says("name", FAIL, each="sites"), says("answer", FAIL, each="sites", because=["name"]),
            says("passes", FAIL, each="sites", because=["answer"], finding={"waits_for": ("couchdb",)})]  # fmt: skip
    checks = {check.id: check for check in made}
    results = Run(checks, FakeHost(Machine(), 20.0), Sources(sites=items)).run()
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1

    sys.setprofile(count)
    try:
        found = Diagnosis(checks, results, {})
    finally:
        sys.setprofile(None)
    assert len(found.causes) == sites
    return seen


def test_twice_as_many_sites_are_not_four_times_the_work() -> None:
    assert calls(200) < 3 * calls(100)


def test_an_empty_source_is_one_skip() -> None:
    diagnosis = examine(says("a", each="things"), says("b", needs=("a",)), stack=Sources(things=[]))
    assert statuses(diagnosis) == {"a": SKIP, "b": OK}


def test_a_gap_is_one_unknown_beside_what_was_seen() -> None:
    gap = Finding(UNKNOWN, "test.gap", t("a folder is closed"), unlock="sudo look")
    diagnosis = examine(says("a", each="things"), stack=Sources(things=Items((Item("one"),), (gap,))))
    assert statuses(diagnosis) == {"a:one": OK, "a": UNKNOWN}
    assert diagnosis.by_name["a"].findings == (gap,)


def test_a_broken_source_is_one_error_for_each_check_on_it() -> None:
    diagnosis = examine(
        says("a", each="things"), says("b", each="things"), says("c"), stack=Sources(things=KeyError("x"))
    )
    assert statuses(diagnosis) == {"a": ERROR, "b": ERROR, "c": OK}


def test_two_items_of_one_name_are_two_results() -> None:
    stack = Sources(things=[Item("one", "x"), Item("one", "y")])
    failing = says("a", FAIL, each="things")
    diagnosis = examine(failing, stack=stack)
    assert statuses(diagnosis) == {"a:one": FAIL, "a:one#2": FAIL}
    assert [result.role for result in diagnosis.results] == ["x", "y"]


# --- what was asked for


CHAIN = (says("a", FAIL), says("b.one", needs=("a",)), says("b.two"), says("c", FAIL, because=("b.two",)))


def test_only_brings_what_is_needed_and_not_what_would_explain() -> None:
    assert statuses(examine(*CHAIN, only=["b.one"])) == {"a": FAIL, "b.one": BLOCKED}
    assert statuses(examine(*CHAIN, only=["c"])) == {"c": FAIL}
    assert statuses(examine(*CHAIN, only=["b.*"])) == {"a": FAIL, "b.one": BLOCKED, "b.two": OK}


def test_skip_treats_as_absent() -> None:
    diagnosis = examine(*CHAIN, skip=["a", "b.t*"])
    assert statuses(diagnosis) == {"b.one": OK, "c": FAIL}


def test_skip_wins_over_only() -> None:
    assert statuses(examine(*CHAIN, only=["b.*"], skip=["b.two", "a"])) == {"b.one": OK}


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("a:one", {"a:two": OK}), ("a:*", {}), ("a:t*", {"a:one": OK}), ("b:one", {"a:one": OK, "a:two": OK})],
)
def test_skip_may_name_one_subject(pattern: str, left: dict[str, Status]) -> None:
    assert statuses(examine(says("a", each="things"), stack=TWO, skip=[pattern])) == left


def test_only_may_name_one_subject_and_runs_the_check() -> None:
    chosen = pick({"a": says("a", each="things"), "b": says("b")}, ("a:one",), ())
    assert list(chosen) == ["a"]
    assert fnmatchcase("a:one", "a:one")


# --- what a check does wrong


def yields(*values: object) -> Callable[..., Iterator[Any]]:
    def function(host: Host, stack: Stack) -> Iterator[Any]:
        yield from values

    return function


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (yields(), "it said nothing"),
        (yields("fine"), "a str, not a Finding"),
        (yields(finding(OK), None), "a NoneType, not a Finding"),
        (yields(Finding(OK, "", "fine")), "a str for words, not a Text"),  # type: ignore[arg-type]
        (yields(finding(FAIL)._replace(advice="Mend it.")), "a str for words, not a Text"),  # type: ignore[arg-type]
        (yields(finding(Status.BLOCKED)), "blocked"),
        (yields(finding(Status.TIMEOUT)), "timeout"),
        (yields(finding(Status.ERROR)), "error"),
        (lambda host, stack: None, "NoneType"),
        (lambda host: iter(()), "TypeError"),
        (says("a", SystemExit(3)).function, "SystemExit: 3"),
        (says("a", KeyboardInterrupt()).function, "KeyboardInterrupt"),
        (says("a", RecursionError("x")).function, "RecursionError: x"),
        (says("a", ValueError("y" * 10_000)).function, "ValueError: yyy"),
    ],
)
def test_a_check_that_is_broken_is_one_error_and_the_rest_runs(function: Callable[..., Any], words: str) -> None:
    diagnosis = examine(Check("a", t("A test"), function), says("b", needs=("a",)))
    assert statuses(diagnosis) == {"a": ERROR, "b": OK}
    why = str(dict(diagnosis.by_name["a"].findings[-1].text.params)["why"])
    assert words in why
    assert len(why) <= 300


def test_an_error_keeps_what_was_said_before() -> None:
    def breaks_off(host: Host, stack: Stack) -> Iterator[Finding]:
        host.see("a file", "a line")
        yield finding(FAIL, role="x")
        raise OSError("gone")

    diagnosis = examine(Check("a", t("A test"), breaks_off, role="x"))
    (result,) = diagnosis.results
    assert [one.status for one in result.findings] == [FAIL, ERROR]
    assert [one.line for one in result.evidence] == ["a line"]
    assert causes(diagnosis) == {"a": ()}
    assert diagnosis.causes[0].code == "test.fail"


SEEN = (("name app.cozy.test", "no such name"), ("GET http://cozy.test/", "HTTP 500"), ("TLS cozy.test", "a chain"),
        ("/etc/nginx.conf", "12 bytes"))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seen", "line"),
    [
        (t("{site} fails", site="cozy.test"), SEEN, "a chain"),
        (t("{app} of {site} fails", app="app.cozy.test", site="cozy.test"), SEEN, "no such name"),
        (t("{what} fails", what=t("the page {url}", url="http://cozy.test/")), SEEN, "HTTP 500"),
        (t("something fails"), SEEN, None),
        (t("{site} fails", site="other.test"), SEEN, None),
        (t("something fails"), SEEN[:1], "no such name"),
        (t("something fails"), (), None),
    ],
)
def test_what_is_shown_as_seen_is_about_what_is_said(
    text: Text, seen: tuple[tuple[str, str], ...], line: str | None
) -> None:
    """What was merely read last may be about anything."""

    def function(host: Host, stack: Stack) -> Iterator[Finding]:
        for source, words in seen:
            host.see(source, words)
        yield finding(FAIL)._replace(text=text)

    (cause,) = examine(says("a")._replace(function=function)).causes
    assert [one.line for one in cause.evidence] == ([] if line is None else [line])


def test_the_worst_of_several_findings_counts() -> None:
    several = Check("a", t("A test"), yields(finding(OK), finding(FAIL), finding(WARN), finding(UNKNOWN)))
    assert statuses(examine(several)) == {"a": FAIL}


def test_a_check_that_has_given_up_is_blocked_by_those_that_timed_out() -> None:
    diagnosis = examine(says("a", FAIL), says("b", GivenUp(("a",))))
    assert (statuses(diagnosis)["b"], blocked_by(diagnosis, "b")) == (BLOCKED, ("a",))
    assert causes(diagnosis) == {"a": ("b",)}


def test_two_that_gave_up_because_of_each_other_are_not_well() -> None:
    gave_up = [says("a", GivenUp(("b",)), essential=True), says("b", GivenUp(("a",)), essential=True)]
    diagnosis = examine(*gave_up, says("c", FAIL, because=("a",)))
    assert causes(diagnosis) == {"c": ()}
    assert verdict(examine(*gave_up).results, ()) is UNKNOWN


# --- the verdict


@pytest.mark.parametrize(
    ("outcomes", "essential", "expected"),
    [
        ([OK, SKIP], True, OK),
        ([OK, WARN], True, WARN),
        ([WARN, UNKNOWN], False, WARN),
        ([WARN, UNKNOWN], True, UNKNOWN),
        ([UNKNOWN, FAIL], True, FAIL),
        ([OK, OSError("broken")], True, UNKNOWN),
        ([OK, OSError("broken")], False, OK),
        ([OK, UNKNOWN], False, OK),
    ],
    ids=str,
)
def test_the_verdict(outcomes: Sequence[Status | OSError], essential: bool, expected: Status) -> None:
    diagnosis = examine(*(says(f"c{n}", one, essential=essential) for n, one in enumerate(outcomes)))
    assert verdict(diagnosis.results, diagnosis.causes) is expected
