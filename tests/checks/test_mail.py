"""Mail: who should take it, what they say, and what waits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config import Config
from cozydiag.host import Failure
from cozydiag.host.commands import Completed
from cozydiag.host.smtp import Greeted
from cozydiag.mail import queue, relay
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, run_check
from cozydiag.testing.machine import FakeClock

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

QUEUE = (Path(__file__).parents[1] / "recordings/postfix/postqueue-j-stopped.txt").read_bytes()
ARRIVED = 1_795_251_817.0
POSTFIX: dict[str, bytes | Failure] = {"/etc/postfix/main.cf": b"myhostname = vm\n"}
WELL = Greeted(250, "220 vm ESMTP Postfix (Debian/GNU)", ("PIPELINING",))
HERE = "localhost:25"


def look(cozy: Cozy, check: str, **changes: Any) -> list[tuple[str, str]]:
    return cozy.said(cozy.look(f"mail.{check}", Machine(**changes), Config(discover=True)))


@pytest.mark.parametrize(
    ("files", "mail", "said"),
    [
        ({}, {}, ("skip", "")),
        (POSTFIX, {HERE: WELL}, ("ok", "")),
        (POSTFIX, {}, ("fail", "service.down")),
        (POSTFIX, {HERE: Failure("timeout", "connected, but no greeting in time")}, ("fail", "service.hung")),
        (POSTFIX, {HERE: Failure("protocol", "not SMTP: HTTP/1.1 400 Bad Request")}, ("fail", "mail.stranger")),
        (POSTFIX, {HERE: Failure("closed", "closed without a greeting")}, ("fail", "mail.stranger")),
        (POSTFIX, {HERE: Greeted(554, "554 no SMTP service here")}, ("fail", "mail.refuses")),
        (POSTFIX, {HERE: Greeted(421, "421 too many connections")}, ("fail", "mail.refuses")),
        ({"/etc/cozy/couchdb.login": b"a\nb\n", "/usr/local/cozy": b""}, {}, ("warn", "mail.nobody")),
    ],
)
def test_the_mail_server_of_this_machine(cozy: Cozy, files: Any, mail: Any, said: tuple[str, str]) -> None:
    assert look(cozy, "answers", files=files, mail=mail) == [said]


def test_a_configured_address_is_the_one_that_is_asked(cozy: Cozy) -> None:
    machine = Machine(mail={"smtp.example.org:587": WELL})
    found = cozy.look("mail.answers", machine, Config(discover=False, mail=("smtp.example.org", 587)))
    assert cozy.said(found) == [("ok", "")]
    assert cozy.said(cozy.look("mail.answers", machine, Config(discover=False))) == [("skip", "")]


def test_a_relay_that_cannot_be_reached(cozy: Cozy) -> None:
    files = {"/etc/postfix/main.cf": b"relayhost = [smtp.example.org]:587\n"}
    assert look(cozy, "answers", files=files, mail={HERE: WELL}) == [("ok", ""), ("fail", "mail.relay")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"relayhost = [smtp.example.org]:465\n", ("fail", "mail.tls_missing")),
        (b"relayhost = smtp.example.org:smtps\n", ("fail", "mail.tls_missing")),
        (b"relayhost =\n  [smtp.example.org]:465\nsmtp_tls_wrappermode = yes\n", ("ok", "")),
        (b"relayhost = [smtp.example.org]:587\n", ("ok", "")),
        (b"#relayhost = [smtp.example.org]:465\nrelayhost =\n", ("skip", "")),
    ],
)
def test_port_465_without_tls_at_postfix(cozy: Cozy, content: bytes, said: tuple[str, str]) -> None:
    assert look(cozy, "settings", files={"/etc/postfix/main.cf": content}) == [said]


def test_the_settings_of_cozy_stack() -> None:
    assert relay.of_cozy_stack({}, "") == relay.Relay("localhost", 25, False, "")
    bare = relay.of_cozy_stack({"host": "smtp.example.org", "port": "465"}, "/etc/cozy/cozy.yml:7")
    assert bare.lacks_tls
    assert not relay.of_cozy_stack({"host": "smtp.example.org", "port": "465", "use_ssl": "true"}, "").lacks_tls


# --- the queue

SPOOL: dict[str, bytes | Failure] = {
    "/var/spool/postfix": b"", "/var/spool/postfix/deferred/8/82CF625B63C": b"", "/var/spool/postfix/active/x": b"",
}  # fmt: skip


def postqueue(output: bytes, code: int = 0) -> dict[str, Any]:
    return {"postqueue": Completed(code, output, b"")}


@pytest.mark.parametrize(
    ("after", "said"), [(60.0, ("ok", "")), (7200.0, ("warn", "mail.queue"))], ids=["just now", "two hours"]
)
def test_mail_may_wait_for_an_hour(cozy: Cozy, after: float, said: tuple[str, str]) -> None:
    clock = FakeClock(ARRIVED + after)
    assert look(cozy, "queue", files=SPOOL, commands=postqueue(QUEUE), clock=clock) == [said]


def test_whose_mail_waits_is_masked_everywhere(cozy: Cozy) -> None:
    stack = Stack(Config(discover=True))
    run_check(cozy.checks["mail.queue"], FakeHost(Machine(files=SPOOL, commands=postqueue(QUEUE))), stack)
    assert "relaydead.test" not in stack.masks().hide("user@relaydead.test")


def test_the_reason_is_told_without_anybodys_address(cozy: Cozy) -> None:
    line = b'{"queue_name": "deferred", "arrival_time": 1, "recipients": [{"address": "a@b.test", "delay_reason": '
    line += b'"host mx.b.test said: 450 4.2.0 <a@b.test>: greylisted"}]}\n'
    (finding,) = cozy.look("mail.queue", Machine(files=SPOOL, commands=postqueue(line)), Config(discover=True))
    assert dict(finding.text.params)["reason"] == "host mx.b.test said: 450 4.2.0 …@…: greylisted"
    assert "a@b.test" not in str(finding)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, ("skip", "")),
        ({"/var/spool/postfix": b""}, ("skip", "")),
        ({"/var/spool/postfix": b"", "/var/spool/postfix/deferred/8": b""}, ("unknown", "mail.queue_unseen")),
    ],
)
def test_without_a_queue_or_without_postqueue(cozy: Cozy, files: Any, said: tuple[str, str]) -> None:
    assert look(cozy, "queue", files=files) == [said]


@pytest.mark.parametrize("output", [b"null\n", b"{}\n", b"[" * 9000, b'{"queue_name": 1, "arrival_time": "x"}\n'])
def test_what_is_no_list_of_mails_is_a_failure(output: bytes) -> None:
    assert isinstance(queue.messages(FakeHost(Machine(commands=postqueue(output))), lambda *_: None), Failure)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("connect to 127.0.0.1[127.0.0.1]:2599: Connection refused", "nobody takes it"),
        ("Host or domain name not found. Name service error for name=x type=MX: Host not found", "not resolved"),
        ("conversation with 127.0.0.1[127.0.0.1] timed out while receiving the initial server greeting", "587"),
        ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", "587"),
        ("SASL authentication failed; server smtp.example.org said: 535 5.7.8", "password"),
        ("host mx said: 554 5.7.1 blocked using zen.spamhaus.org", "relay"),
        ("454 4.7.1 Relay access denied", "another relay"),
        ("mailbox full", "Read what postfix says"),
    ],
)
def test_every_usual_reason_has_its_advice(reason: str, word: str) -> None:
    assert word in queue.advice(reason).template
