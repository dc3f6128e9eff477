"""What `cozydiag curlcouch PATH` asks for."""

from __future__ import annotations

import pytest

from cozydiag.cli.common import Problem
from cozydiag.cli.curlcouch import _target
from cozydiag.config import Config
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, answer


def target(path: str, *, server: bool = False, version: str = "3.5.0") -> str:
    root = answer(200, f'{{"couchdb":"Welcome","version":"{version}"}}', Server=f"CouchDB/{version}")
    return _target(FakeHost(Machine(web={"127.0.0.1:5984/": root})), Stack(Config()), path, server=server)


def test_a_path_is_below_the_apps_database() -> None:
    assert target("/") == "/cozy"
    assert target("") == "/cozy"
    assert target("_all_docs?limit=1") == "/cozy/_all_docs?limit=1"
    assert target("/_up", server=True) == "/_up"
    assert target("/", server=True) == "/"


@pytest.mark.parametrize(("version", "added"), [("3.5.0", "update=false"), ("1.6.1", "stale=ok")])
def test_no_view_is_built_by_asking(version: str, added: str) -> None:
    view = "/_design/a/_view/b"
    assert target(view, version=version) == f"/cozy{view}?{added}"
    assert target(f"{view}?limit=1", version=version) == f"/cozy{view}?limit=1&{added}"
    assert target(f"{view}?stale=ok", version=version) == f"/cozy{view}?stale=ok"
    assert target(f"{view}?update=true", version=version) == f"/cozy{view}?update=true"


@pytest.mark.parametrize("path", ["a b", "a\r\nX: y", "a\x00"])
def test_a_path_cannot_carry_another_header(path: str) -> None:
    with pytest.raises(Problem):
        target(path)
