"""cozy-stack's settings, read without rendering what may be a template."""

from __future__ import annotations

import pytest

from cozydiag.cozy.settings import parse, read
from cozydiag.host import Failure
from cozydiag.testing import FakeHost, Machine

EXAMPLE = b"""# the main file
host: 0.0.0.0
port: 8080   # the usual one
admin:
  host: 'localhost'
  port: 6060
couchdb:
    url: "http://user:p#ss@localhost:5984/"
fs:
  url: file:///var/lib/cozy

jobs:
  workers:
    - sendmail
  list: [a, b]
mail:
  host: {{.Env.MAIL}}
  disable_tls: true
log:
\tlevel: info
text: |
  url: http://not.this/
"""


def test_scalars_by_dotted_key_with_their_lines() -> None:
    found = parse("/etc/cozy/cozy.yml", EXAMPLE)
    assert {key: one.value for key, one in found.items() if not key.startswith("text")} == {
        "host": "0.0.0.0",
        "port": "8080",
        "admin.host": "localhost",
        "admin.port": "6060",
        "couchdb.url": "http://user:p#ss@localhost:5984/",
        "fs.url": "file:///var/lib/cozy",
        "mail.host": None,
        "mail.disable_tls": "true",
        "log.level": "info",
    }
    assert found["couchdb.url"].origin == "/etc/cozy/cozy.yml:8"


def test_the_local_file_is_laid_over_it() -> None:
    files = {"/etc/cozy/cozy.yml": b"port: 8080\nhost: a\n", "/etc/cozy/cozy.yml.local": b"port: 8081\n"}
    found = read(FakeHost(Machine(files=files)))
    assert (found.get("port"), found.origin("port")) == ("8081", "/etc/cozy/cozy.yml.local:1")
    assert (found.get("host"), found.get("nothing", "usual"), found.closed) == ("a", "usual", ())


def test_a_closed_file_is_told() -> None:
    files: dict[str, bytes | Failure] = {
        "/etc/cozy/cozy.yml": b"port: 8080\n",
        "/etc/cozy/cozy.yml.local": Failure("permission", "permission denied"),
    }
    found = read(FakeHost(Machine(files=files)))
    assert (found.files, found.closed) == (("/etc/cozy/cozy.yml",), ("/etc/cozy/cozy.yml.local",))


def test_a_template_is_no_value() -> None:
    found = read(FakeHost(Machine(files={"/etc/cozy/cozy.yml": b"port: {{.Env.PORT}}\n"})))
    assert (found.get("port", "8080"), found.origin("port")) == ("8080", "")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"- a\n- b\n", b"::::\n", b"{\n", b"a" * 100_000])
def test_what_is_no_configuration_has_no_settings(content: bytes) -> None:
    assert parse("x", content) == {}
