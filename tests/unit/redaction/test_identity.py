"""Names and addresses: stand-ins that keep the shape, and what stays."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cozydiag.redaction import Pseudonyms, Redactor, pseudonyms
from cozydiag.redaction.identity import Identity
from cozydiag.redaction.private_file import replace

NOW = 1_790_000_000.0


def redactor(kept: Pseudonyms | None = None) -> Redactor:
    domains = ["cloud.alice.fr", "alice.duckdns.org", "cozy.localhost", "box.local"]
    return Redactor(
        Identity(domains, ["gatehouse.alice.fr", "cozy", "pi"], ["alice", "root", "cozy", "bo", "Anna Durand"]), kept
    )


def redact(text: str, kept: Pseudonyms | None = None) -> str:
    return "\n".join(redactor(kept).lines(text.split("\n")))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # the shape of sub-domains, flat or nested, and the names of apps
        ("bob-drive.alice.fr and drive.bob.alice.fr", "name1-drive.domain1.example and drive.name1.domain1.example"),
        ("ALICE.FR. x.alice.fr:443 http://alice.fr/", "domain1.example. name1.domain1.example:443 http://domain1.example/"),
        ("*.alice.fr", "*.domain1.example"),
        ("home.alice.duckdns.org other.duckdns.org", "home.domain1.example other.duckdns.org"),
        ("sites/x.alice.fr.conf notalice.fr", "sites/name1.domain1.example.conf notalice.fr"),
        ("cozy.localhost box.local localhost", "cozy.localhost box.local localhost"),
        # machines and people
        ("Nov 02 gatehouse sshd[1]: session for alice", "Nov 02 host1 sshd[1]: session for user1"),
        ("/home/alice/x alice: (alice) malice alice2 alice-x", "/home/user1/x user1: (user1) malice alice2 alice-x"),
        ("root cozy bo pi home www-data", "root cozy bo pi home www-data"),
        ("by Anna Durand", "by user1"),
        # mail
        ("to=<bob@example.org>, Bob@example.org", "to=<mail1@maildom1.example>, mail2@maildom1.example"),
        ("x@alice.fr", "mail1@domain1.example"),
        ("root@localhost couchdb@127.0.0.1 getty@tty1.service couchdb@node.example.org", None),
        # addresses
        ("93.184.216.34 93.184.216.35 93.184.217.1", "<ip4-net1-host1> <ip4-net1-host2> <ip4-net2-host1>"),
        ("10.0.0.1 192.168.1.2 172.16.0.1 172.31.9.9 127.0.0.1 169.254.1.1 100.64.0.1 8.8.8.8 1.1.1.1 0.0.0.0", None),
        ("224.0.0.1 255.255.255.0 1.2.3 1.2.3.4.5 999.1.1.1", None),
        ("172.32.0.1:443", "<ip4-net1-host1>:443"),
        ("ip:172.32.0.1 http://172.32.0.1/", "ip:<ip4-net1-host1> http://<ip4-net1-host1>/"),
        ("redis_version:7.0.15.2 1:3.0.15.1", None),
        ("upgrade x:amd64 3.0.15.1 3.0.15.2", None),
        ("Chrome/120.0.0.0 version 5.6.7.8 v5.6.7.8 x-5.6.7.8 5.6.7.8-1", None),
        ("2001:db8:85a3::8a2e:370:7334 2001:db8:85a3::1", "<ip6-net1-host1> <ip6-net1-host2>"),
        ("::1 fe80::1 fd00::1 :: 10:11:12 std::string 2606:4700:4700::1111", None),
        ("link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff", "link/ether <mac1> brd ff:ff:ff:ff:ff:ff"),
        ("Serial Number: 04:a3:1c:9f:2b:77:10:5e:d4:8c", None),
    ],
)  # fmt: skip
def test_stand_ins(text: str, shown: str | None) -> None:
    assert redact(text) == (text if shown is None else shown)
    assert redact(redact(text)) == redact(text)


def test_without_identity_secrets_alone_are_hidden() -> None:
    text = "password=S3cret-99 from bob@example.org at 93.184.216.34"
    assert list(Redactor().lines([text + ", x"])) != [text + ", x"]
    assert list(Redactor().lines(["from bob@example.org at 93.184.216.34"])) == [
        "from bob@example.org at 93.184.216.34"
    ]


def test_what_was_hidden_is_counted_once_each() -> None:
    one = redactor()
    list(
        one.lines(["x token=abc123def 93.184.216.34 93.184.216.34 alice", "alice bob@example.org gatehouse x.alice.fr"])
    )
    assert one.counts() == {"domain": 2, "host": 1, "ip": 1, "mail": 1, "name": 1, "secret": 1, "user": 1}


# --- the private map


def test_two_reports_of_a_host_use_the_same_stand_ins(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.json"
    first = redactor()
    list(first.lines(["93.184.216.34 5.6.7.9 alice bob@example.org password=S3cret-99", "token=Other-77xx"]))
    assert pseudonyms.save(str(path), first.pseudonyms, NOW) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = pseudonyms.load(str(path), NOW + 86400)
    assert kept.pseudonyms is not None
    text = "token=Other-77xx\npassword=S3cret-99\n5.6.7.9\nnew password=Third-55yy\n7.8.9.1"
    assert redact(text, kept.pseudonyms).split("\n") == [
        "token=<secret#2>", "password=<secret#1>", "<ip4-net2-host1>", "new password=<secret#3>", "<ip4-net3-host1>",
    ]  # fmt: skip


def test_the_map_has_names_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.json"
    one = redactor()
    list(one.lines(["alice bob@example.org 93.184.216.34 password=S3cret-99 x.alice.fr"]))
    pseudonyms.save(str(path), one.pseudonyms, NOW)
    assert "S3cret" not in path.read_text()
    names = json.loads(path.read_text())["names"]
    assert names["user1"] == "alice"
    assert names["<ip4-net1-host1>"] == "93.184.216.34"
    assert names["domain1.example"] == "alice.fr"
    assert names["mail1"] == "bob@example.org"


@pytest.mark.parametrize("age", [-1, 31 * 86400])
def test_an_old_map_is_taken_away(tmp_path: Path, age: float) -> None:
    path = tmp_path / "pseudonyms.json"
    pseudonyms.save(str(path), Pseudonyms(), NOW)
    assert pseudonyms.load(str(path), NOW + age) == (None, None)
    assert not path.exists()


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "nonsense", '{"created":1,"names":[],"numbers":{},"key":""}', "[" * 5000]
)
def test_what_is_no_map_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pseudonyms.json"
    path.write_text(content)
    path.chmod(0o600)
    found = pseudonyms.load(str(path), NOW)
    assert found.pseudonyms is None
    assert found.failure is not None
    assert path.read_text() == content


def test_a_map_that_others_can_read_or_a_link_is_not_used(tmp_path: Path) -> None:
    path, link = tmp_path / "pseudonyms.json", tmp_path / "link"
    pseudonyms.save(str(path), Pseudonyms(), NOW)
    link.symlink_to(path)
    assert pseudonyms.load(str(link), NOW).failure is not None
    path.chmod(0o644)
    assert pseudonyms.load(str(path), NOW).failure is not None
    assert pseudonyms.load(str(tmp_path / "none"), NOW) == (None, None)


# --- a file for its owner alone


def test_a_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "diag.txt"
    path.write_text("old")
    path.chmod(0o666)
    assert replace(str(path), [b"one", b"two"]) is None
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"onetwo", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    assert replace(str(link), [b"x"]) is not None
    assert replace(str(tmp_path), [b"x"]) is not None
    assert replace(str(tmp_path / "none" / "x"), [b"x"]) is not None
    assert victim.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [link, victim]


def test_what_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "diag.txt"
    path.write_text("old")

    def broken() -> object:
        yield b"half"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        replace(str(path), broken())  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
