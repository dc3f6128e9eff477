"""What is said of a fault hides what the rules find; what supervisord takes in is searched for secrets."""

from __future__ import annotations

import pytest

from cozydiag.config import Config, CouchDB
from cozydiag.config.values import Supervisord
from cozydiag.masking import Masks, masked
from cozydiag.redaction import WITHHELD, Redactor, own
from cozydiag.redaction.lines import Strict
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine
from cozydiag.text import t

SAID = "Error: mysql -u root -pCanary12x, BORG_PASSPHRASE='Canary34y' from http://anna:Canary56z@127.0.0.1/"


def test_a_line_of_a_log_in_a_finding() -> None:
    shown = Strict(Masks(["Sesame"])).mask(f"{SAID} Sesame")
    assert shown == "Error: mysql -u root -p***, BORG_PASSPHRASE='***' from http://***@127.0.0.1/ ***"
    assert Strict(Masks()).mask(shown) == shown


def test_names_and_addresses_stay() -> None:
    line = "2026/11/21 12:00:00 [error] 93.184.216.34 alice.example.net: connect() failed (111: Connection refused)"
    assert Strict(Masks()).mask(line) == line


def test_a_value_in_a_text() -> None:
    text = t("It said: {line}", line=SAID)
    assert "Canary" not in repr(masked(text, Strict(Masks())))


def test_a_log_is_hidden_with_what_its_end_gives_away() -> None:
    shown = Strict(Masks(), ["Known-secret-1"]).lines(["Canary12x, Known-secret-1", "password: Canary12x"])
    assert shown == ["***, ***", "password: ***"]


def test_what_breaks_the_rules_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Redactor, "lines", broken)
    assert Strict(Masks()).mask(SAID) == WITHHELD
    assert Strict(Masks()).lines([SAID]) == [WITHHELD]


def test_what_supervisord_includes_is_searched() -> None:
    files = {
        "/srv/x/supervisord.conf": "[supervisord]\n[include]\nfiles = programs/*.conf %(here)s/more.ini ; x\n",
        "/srv/x/programs/a.conf": 'environment=DB_PASS="Canary78a"\n',
        "/srv/x/more.ini": "command=/bin/x --token Canary90b\n",
    }
    machine = Machine(files={path: text.encode() for path, text in files.items()})
    config = Config(discover=False, couchdb=CouchDB(), supervisord=Supervisord(conf="/srv/x/supervisord.conf"))
    found = own.gather(FakeHost(machine, 60.0), Stack(config))
    assert {"Canary78a", "Canary90b"} <= {*found.secrets}
