"""Every recording of cozy-monitor, read as what it says and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.cozy.monitor import LABELS, Said, read

RECORDINGS = Path(__file__).parents[2] / "recordings/cozy/monitor"
PARTS = ("mta", "couchdb", "cozy.controller", "cozy.data-system", "cozy.home", "cozy.proxy")
APPS = {
    "calendar": "stopped", "import-from-google": "up", "contacts": "down", "emails": "down", "files": "up",
    "kyou": "down",
}  # fmt: skip
DOWN = {
    "couch-down": {"couchdb"}, "ds-down": {"cozy.data-system"}, "home-down": {"cozy.home"},
    "proxy-down": {"cozy.proxy"}, "controller-down": {"cozy.controller"}, "all-down": set(PARTS),
}  # fmt: skip
"""What it rightly calls down; a home that answers 500, a CouchDB that answers 401 or nginx's page it calls up."""

LISTS_NO_APPS = ("couch-down", "ds-down", "home-down", "home-500", "all-down")


def said(name: str) -> Said:
    return read((RECORDINGS / f"{name}.txt").read_text())


@pytest.mark.parametrize("form", ["status", "status-raw", "status-json"])
@pytest.mark.parametrize(
    "scenario",
    ["up", "couch-401", "couch-html502", "couch-down", "ds-down", "home-down", "home-500", "proxy-down",
     "controller-down", "all-down"],
)  # fmt: skip
def test_status_in_every_form(scenario: str, form: str) -> None:
    found = said(f"{scenario}.{form}")
    if scenario in LISTS_NO_APPS and form == "status-json":  # then it prints no JSON at all
        assert (dict(found.parts), dict(found.apps)) == ({}, {})
    else:
        assert found.parts == {part: "down" if part in DOWN.get(scenario, ()) else "up" for part in PARTS}
        assert found.apps == ({} if scenario in LISTS_NO_APPS else APPS)
    assert ("Cannot display status" in found.errors) is (scenario in LISTS_NO_APPS)


def test_the_parts_behind_a_real_proxy() -> None:
    assert said("cozy-monitor-status.realproxy").parts == dict.fromkeys(PARTS, "up")


@pytest.mark.parametrize("part", ["controller", "data-system", "home", "proxy", "couch", "mta"])
def test_one_module(part: str) -> None:
    state = "down" if part == "mta" else "up"  # it asks an SMTP server for a page, and takes the greeting for an error
    assert said(f"up.module-{part}").module == state
    assert said(f"up.module-json-{part}").parts == {LABELS[part]: state}


def test_a_module_that_is_down() -> None:
    assert said("all-down.module-status").module == "down"


def test_versions_are_no_states() -> None:
    known = {"controller": "2.5.10", "data-system": "2.5.13", "home": "2.5.22", "proxy": "2.5.19", "monitor": "1.4.5",
             "calendar": "1", "contacts": "1.1.2", "files": "2.2.5"}  # fmt: skip
    for name in ("up.versions", "up.versions-json"):
        found = said(name)
        assert (found.versions, dict(found.parts), dict(found.apps)) == (known, {}, {})
    assert said("all-down.versions-stack").versions == {"monitor": "1.4.5"}
    assert "Error when retrieving stack applications." in said("all-down.versions").errors


def test_routes() -> None:
    assert said("up.routes").routes == {"files": 9120, "calendar": 9121}
    assert said("all-down.routes").routes == {}


@pytest.mark.parametrize(
    "name",
    ["up.curlcouch", "up.curlcouch-pretty", "couch-401.curlcouch", "couch-down.curlcouch", "all-down.curlcouch",
     "all-down.log", "all-down.start-ds"],
)  # fmt: skip
def test_what_is_no_state_is_read_as_none(name: str) -> None:
    found = said(name)
    assert (dict(found.parts), dict(found.apps), found.module) == ({}, {}, "")


def test_every_recording_is_looked_at_above() -> None:
    kinds = {path.name.split(".")[1].removesuffix(".txt") for path in RECORDINGS.glob("*.txt")}
    modules = {kind for kind in kinds if kind.startswith("module-")}
    assert kinds - modules == {
        "status", "status-raw", "status-json", "realproxy", "versions", "versions-json", "versions-stack", "routes",
        "curlcouch", "curlcouch-pretty", "log", "start-ds",
    }  # fmt: skip


NOT_ROOT = (
    "info - Cannot get Cozy credentials. Are you sure you have the rights to access to:\n/etc/cozy/stack.token ?\n"
)


def test_a_preamble_for_those_who_are_not_root() -> None:
    assert read(NOT_ROOT + "mta: up\ncouch: down\n").parts == {"mta": "up", "couchdb": "down"}
    assert read(NOT_ROOT + '{\n  "couch": "up"\n}\n').parts == {"couchdb": "up"}


@pytest.mark.parametrize(
    ("labels", "roles"),
    [
        ("haibu data-system indexer home proxy", "controller data-system indexer home proxy"),
        ("postfix couchdb controller data-system home proxy indexer",
         "mta couchdb controller data-system home proxy indexer"),
        ("postfix couch controller ds home proxy index", "mta couchdb controller data-system home proxy indexer"),
        ("mta couch controller data-system home proxy", "mta couchdb controller data-system home proxy"),
    ],
    ids=["0.8.1", "1.1.22", "1.2.11", "1.4.5"],
)  # fmt: skip
def test_the_labels_of_all_versions(labels: str, roles: str) -> None:
    found = read("".join(f"{label}: \x1b[32mup\x1b[39m\n" for label in labels.split()))
    expected = [role if role in ("mta", "couchdb") else f"cozy.{role}" for role in roles.split()]
    assert list(found.parts) == expected
    assert not found.apps


@pytest.mark.parametrize("output", ["", "{\n", "}\n{\n", '{\n  "couch": 3\n}\n', "{\nnot JSON\n}\n", "up", ": up\n"])
def test_what_is_broken_says_nothing(output: str) -> None:
    assert (dict(read(output).parts), dict(read(output).apps)) == ({}, {})
