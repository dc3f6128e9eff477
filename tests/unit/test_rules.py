"""The rules about logs: what each promises of its examples, and how files of them are read."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from cozydiag.rules import Rule, Scanner, best, load
from cozydiag.rules.files import Loaded
from cozydiag.rules.proving import prove
from cozydiag.text.catalogue import ENGLISH, render

RULES = load(None).rules
ALL = Scanner(RULES.values())

GOOD = """
[[rule]]
id = "backup-late"
role = "cause"
rank = 50
component = "backup"
patterns = [{ literal = "no backup since", regex = 'no backup since (?P<when>[0-9-]+)' }]
meaning = "there is no backup since {when}"
remedy = "Run it."
match = ["ERROR no backup since 2026-11-01"]
no_match = ["backup made"]
source = "this house"
"""


def rule(text: str, folder: Path) -> Loaded:
    file = folder / "own.toml"
    file.write_text(text)
    file.chmod(0o600)
    folder.chmod(0o700)
    load.cache_clear()
    return load(str(folder))


def ids(line: str, origin: str = "") -> list[str]:
    return [hit.rule.id for hit in ALL.hits([line], [origin])]


def test_there_are_enough_of_them_and_all_load() -> None:
    assert len(RULES) >= 160
    assert load(None).problems == ()


def test_every_rule_does_what_it_promises() -> None:
    """Its examples, its counter-examples, its rank, its fields, and what a hostile line costs it."""
    problems = [render(problem, ENGLISH) for problem in prove(RULES.values()).problems]
    assert problems == []


@pytest.mark.parametrize("one", RULES.values(), ids=RULES)
def test_every_rule_has_both_kinds_of_examples_and_a_source(one: Rule) -> None:
    assert one.match
    assert one.no_match
    assert one.source.strip()
    assert one.meaning[0] == one.meaning[0].lower() or one.meaning.split()[0] in NAMES
    assert one.remedy.endswith(".")


NAMES = {
    "CouchDB", "CouchDB's", "PostgreSQL", "PostgreSQL's", "MySQL", "InnoDB", "Redis", "RabbitMQ", "MongoDB", "Postfix",
    "Docker", "Kubernetes", "Apache", "Apache's", "Caddy", "HAProxy", "PHP", "PM2", "Java", "Node", "Django", "Erlang",
    "HTTPS", "Let's", "AppArmor", "SELinux",
}  # fmt: skip


def innocent(number: int) -> list[str]:
    """Lines of servers that are well, with the words that rules are made of."""
    chance = random.Random(number)  # noqa: S311
    words = ("error", "failed", "refused", "denied", "database", "memory", "timeout", "port", "socket", "disk")
    frames = (
        "INFO GET /api/{n}/errors 200 {m} ms",
        'GET /static/{h}.js HTTP/1.1" 200 {n}',
        "worker {m} took job {h} from queue {w}",
        "{w} check passed in {m} ms",
        "user {n} logged in from 10.0.{m}.{m}",
        "0 errors, {m} warnings, {n} lines",
        "retry of {w} {h} succeeded",
        "connection from 10.0.{m}.{m}:{n} accepted, {m} open",
        "cache: {n} hits, {m} misses, {w} evicted",
        "database backup {h} written, {n} bytes",
        "certificate for example.org is valid for {m} days",
        "memory {m} MB of 2048 MB, disk {m} %",
        "listening on port {n}",
        "shutdown of worker {m} requested, exit status 0",
        "permission check for user {n}: allowed",
        "DEBUG {w} = {h}",
    )
    return [
        chance.choice(frames).format(
            n=chance.randrange(10**5), m=chance.randrange(100), h=f"{chance.getrandbits(48):x}", w=chance.choice(words)
        )
        for _ in range(number)
    ]


def test_innocent_lines_are_left_alone() -> None:
    hits = ALL.hits(innocent(10_000))
    assert len(hits) <= 5, [hit.rule.id for hit in hits]


def test_of_one_line_the_highest_rank_is_the_cause() -> None:
    hits = ALL.hits(["cloudant.error.CloudantException: Database databasedemo already exists",
                     '"Database {0} already exists".format(dbname)'])  # fmt: skip
    chosen = best(hits)
    assert chosen is not None
    assert (chosen.rule.id, chosen.line, chosen.values["db"]) == ("db-already-exists", 0, "databasedemo")


def test_rules_of_a_part_of_the_platform_stay_there() -> None:
    assert ids("Exit status 143", "APP/PROC/WEB") == ["cf-stop-sigterm"]
    assert ids("Exit status 143", "CELL") == []
    assert ids('GET / 502 x_cf_routererror:"endpoint_failure"', "RTR") == ["rtr-endpoint-failure"]
    assert ids("Address already in use", "RTR") == []


def test_what_a_line_does_not_say_is_left_open() -> None:
    told: dict[str, str] = {}
    for line in ("Error: listen EACCES: permission denied 127.0.0.1:80", "ImportError: cannot open shared object file"):
        told |= {hit.rule.id: render(hit.meaning, ENGLISH) for hit in ALL.hits([line])}
    assert told["node-eacces-listen"] == "the program's user may not listen on 127.0.0.1:80"
    assert not any("{" in words for words in told.values())
    assert "…" in render(RULES["docker-port"].text(RULES["docker-port"].meaning, {}), ENGLISH)


# -- files ---------------------------------------------------------------------------------------------


def test_a_drop_in_adds_and_replaces(tmp_path: Path) -> None:
    found = rule(GOOD + GOOD.replace("backup-late", "disk-full"), tmp_path)
    assert found.problems == ()
    assert len(found.rules) == len(RULES) + 1
    assert found.rules["disk-full"].component == "backup"
    assert prove([found.rules["backup-late"]]).problems == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (GOOD.replace('rank = 50', 'rank = "x"'), "rank"),
        (GOOD.replace('role = "cause"', 'role = "reason"'), "role"),
        (GOOD.replace('source = "this house"', ""), "source is missing"),
        (GOOD.replace('"no backup since"', '"No Backup"'), "small letters"),
        (GOOD.replace("[0-9-]+)", "[0-9-]+"), "no regular expression"),
        (GOOD + 'more = 1\n', "more"),
        (GOOD.replace("backup-late", "Backup Late"), "an id"),
        ("[[rule]\n", "is not used"),
        (GOOD + GOOD, "already in"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_costs_no_other_rule(wrong: str, says: str, tmp_path: Path) -> None:
    found = rule(wrong, tmp_path)
    assert any(says in render(problem, ENGLISH) for problem in found.problems), found.problems
    assert len(found.rules) >= len(RULES)


def test_what_others_can_write_is_not_used(tmp_path: Path) -> None:
    rule(GOOD, tmp_path)
    (tmp_path / "own.toml").chmod(0o622)
    load.cache_clear()
    found = load(str(tmp_path))
    assert len(found.rules) == len(RULES)
    assert "others can write it" in render(found.problems[0], ENGLISH)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "rules.d"
    folder.mkdir(0o700)
    (tmp_path / "elsewhere.toml").write_text(GOOD)
    os.symlink(tmp_path / "elsewhere.toml", folder / "own.toml")
    load.cache_clear()
    found = load(str(folder))
    assert len(found.rules) == len(RULES)
    assert len(found.problems) == 1


def test_a_slow_rule_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cozydiag.rules.proving.PATIENCE", -1.0)
    (problem,) = prove([RULES["disk-full"]._replace(match=())]).problems
    assert "disk-full: a hostile line keeps it busy" in render(problem, ENGLISH)
