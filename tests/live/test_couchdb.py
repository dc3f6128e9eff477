"""A real server: COZYDIAG_COUCHDB_URL with an administrator's user and password in it, and optionally an ordinary
user's in COZYDIAG_COUCHDB_USER (`name:password`). Reads only. A pouchdb-server there is recognised, named and not
logged in to."""

from __future__ import annotations

import os

import pytest

from cozydiag.config import Config, load
from cozydiag.couchdb import Reply, access
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.credentials import Credentials
from cozydiag.couchdb.picture import lines
from cozydiag.engine.examine import Wish, examine
from cozydiag.host import Host, World
from cozydiag.stack import Stack

URL = os.environ.get("COZYDIAG_COUCHDB_URL", "")
USER = os.environ.get("COZYDIAG_COUCHDB_USER", "")

pytestmark = pytest.mark.skipif(not URL, reason="COZYDIAG_COUCHDB_URL names no server")


@pytest.fixture
def config() -> Config:
    return load(None, os.environ)


@pytest.fixture
def root(config: Config) -> Reply:
    root = access.root(Stack(config), Host(World(), 10.0))
    assert isinstance(root, Reply)
    return root


@pytest.fixture
def couchdb(root: Reply) -> None:
    if root.is_pouchdb:
        pytest.skip("this is pouchdb-server")


def test_it_is_recognised(root: Reply) -> None:
    assert root.is_couchdb != root.is_pouchdb
    assert root.version[:1].isdigit()
    assert root.version in root.program


def test_pouchdb_server_is_named(config: Config, root: Reply) -> None:
    if not root.is_pouchdb:
        pytest.skip("this is CouchDB")
    report = examine(config, Wish(only=("couchdb.*",)))
    assert "couchdb.pouchdb" in {cause.code for cause in report.causes}
    assert {cause.code for cause in report.causes} <= {"couchdb.pouchdb", "couchdb.database_missing"}
    (shown,) = [value for label, value in lines(Host(World(), 20.0), Stack(config)) if label.template == "Server"]
    assert dict(shown.params)["name"] == root.program


@pytest.mark.usefixtures("couchdb")
def test_the_administrator_is_known(config: Config) -> None:
    account = access.known(Stack(config), Host(World(), 10.0))
    assert account is not None
    assert account.is_admin


@pytest.mark.usefixtures("couchdb")
def test_nothing_but_the_apps_database_may_be_missing(config: Config) -> None:
    report = examine(config, Wish(only=("couchdb.*",)))
    assert {cause.code for cause in report.causes} <= {"couchdb.database_missing"}


@pytest.mark.usefixtures("couchdb")
def test_its_picture(config: Config) -> None:
    labels = [label.template for label, _ in lines(Host(World(), 20.0), Stack(config))]
    assert {"Server", "Login", "Databases"} <= {*labels}


@pytest.mark.skipif(not USER, reason="COZYDIAG_COUCHDB_USER names no user")
@pytest.mark.usefixtures("couchdb")
def test_an_ordinary_user_is_no_administrator(config: Config) -> None:
    user, _, password = USER.partition(":")
    account = Account(config.couchdb.url, Credentials(user, password))
    account.login(Host(World(), 10.0))
    assert (account.is_known, account.is_admin) == (True, False)
