"""The right cause out of what real programs printed when they failed; recordings of Python 3.11, Node 20, Java, Go and
Erlang."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cozydiag.host.logs import clean
from cozydiag.logs.exceptions import exceptions
from cozydiag.rules import Scanner, best, load

RECORDINGS = Path(__file__).parents[2] / "recordings" / "failures"
EXPECTED = dict(line.split("\t") for line in (RECORDINGS / "expected.tsv").read_text("utf-8").splitlines())
FOUND: Counter[str] = Counter()
ASKED: Counter[str] = Counter()


def lines(name: str) -> list[str]:
    return [clean(line) for line in (RECORDINGS / f"{name}.txt").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module", autouse=True)
def score(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints right/total by language when the last of them is done."""
    yield
    words = ", ".join(f"{language} {FOUND[language]}/{ASKED[language]}" for language in ASKED)
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\ncauses found in recorded failures: {words}")


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cause_is_found(name: str) -> None:
    language = name.partition("/")[0]
    ASKED[language] += 1
    found = exceptions(lines(name))
    assert found, "nothing was found"
    assert found[0].words.startswith(EXPECTED[name]), [one.words for one in found]
    assert {one.language for one in found} == {language}
    FOUND[language] += 1


def test_every_recording_is_expected() -> None:
    assert {f"{path.parent.name}/{path.stem}" for path in RECORDINGS.glob("*/*.txt")} == EXPECTED.keys()


def test_all_leaves_of_a_group_are_told() -> None:
    assert [one.words for one in exceptions(lines("python/group"))] == [
        "ValueError: bad port", "OSError: [Errno 98] Address already in use",
    ]  # fmt: skip


def test_what_was_made_of_a_cause_is_kept() -> None:
    (found,) = exceptions(lines("python/requests"))
    assert found.outer.startswith("requests.exceptions.ConnectionError: ")


def test_lines_of_one_second_come_in_any_order() -> None:
    """As on the tutorial's own picture: the exception stands inside its traceback, and the header is not there."""
    text = """\
  File "/home/vcap/app/server.py", line 27, in <module>
    my_database = client.create_database(databaseName)
cloudant.error.CloudantException: Database databasedemo already exists
  File "/home/vcap/deps/0/python/lib/python2.7/site-packages/cloudant/client.py", line 214, in create_database
    "Database {0} already exists".format(dbname)
Exit status 1"""
    (found,) = exceptions(text.splitlines())
    assert found.words == "cloudant.error.CloudantException: Database databasedemo already exists"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("OSError: [Errno 98] Address in use", "port-in-use"),
        ("OSError: [Errno 24] No file descriptors available", "emfile"),
        ("OSError: [Errno 113] Host is unreachable", "net-unreachable"),
        ("OSError: [Errno 110] Operation timed out", "conn-timeout"),
        ("OSError: [Errno 12] Out of memory", "py-memory"),
        ("OSError: [Errno 99] Address not available", "node-addr-missing"),
        ("socket.gaierror: [Errno -2] Name does not resolve", "dns-failure"),
    ],
)
def test_musl_says_it_in_its_own_words(line: str, rule: str) -> None:
    found = best(Scanner(load(None).rules.values()).hits([line]))
    assert found is not None
    assert found.rule.id == rule


SPELLINGS = {
    "java.io.IOException: disk": """\
org.x.StartException: cannot start
  with this
  and that
\tat a.b(C.java:1)
Caused by: java.io.IOException: disk
\tat d.e(F.java:2)""",
    r"""fatal: cannot open \"/etc/cozy\": denied""": (
        'time="2026-11-21T08:00:00Z" level=fatal msg="cannot open \\"/etc/cozy\\": denied"'
    ),
    "Error: connect ECONNREFUSED": """\
{ [Error: connect ECONNREFUSED]
  code: 'ECONNREFUSED',
  errno: 'ECONNREFUSED' }""",
    "Error: connect ECONNREFUSED ::1:5432": """\
AggregateError [ECONNREFUSED]:
    at internalConnectMultiple (node:net:1118:18) {
  code: 'ECONNREFUSED',
  [errors]: [
    Error: connect ECONNREFUSED ::1:5432
        at x (node:net:1:2) {""",
    "Error: listen EADDRINUSE": """\
events.js:72
        throw er; // Unhandled 'error' event
              ^
Error: listen EADDRINUSE
    at errnoException (net.js:904:11)""",
    "ModuleNotFoundError: No module named 'app'": """\
[2026-11-21 08:00:00 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "a.py", line 1, in <module>
ModuleNotFoundError: No module named 'app'""",
    "Fatal Python error: Segmentation fault": "Fatal Python error: Segmentation fault",
    "NoMethodError: undefined method `x' for nil": (
        "/srv/app/config.rb:3:in `<main>': undefined method `x' for nil (NoMethodError)"
    ),
    "panicked: src/main.rs:4:5:": "thread 'main' panicked at src/main.rs:4:5:",
}


@pytest.mark.parametrize("words", SPELLINGS)
def test_spellings_that_no_recording_has(words: str) -> None:
    assert [one.words for one in exceptions(SPELLINGS[words].splitlines())][:1] == [words]


@pytest.mark.parametrize(
    "text",
    [
        "no error here\nall errors: 0\nError count is 12",
        "2026-11-21 08:00:00 INFO started\n  File uploaded: a.txt\nDone: 12 items",
        "panicking is not needed",
    ],
)
def test_what_is_no_failure_is_none(text: str) -> None:
    assert exceptions(text.splitlines()) == []


def test_the_lines_of_others_between_do_not_hide_it() -> None:
    text = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "    main()",
            "GET / 200 3ms", "ValueError: bad port"]  # fmt: skip
    assert [one.words for one in exceptions(text)] == ["ValueError: bad port"]
