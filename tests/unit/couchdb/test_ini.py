"""CouchDB's configuration, as it reads it."""

from __future__ import annotations

from cozydiag.couchdb import ini

DEFAULT = b"""; shipped
[couchdb]
database_dir = ./data
[chttpd]
port = 5984
[httpd]
global_handlers = {one,
  two}
"""


def test_later_files_win_and_comments_end_values() -> None:
    read = ini.read([("default.ini", DEFAULT), ("local.ini", b"[couchdb]\ndatabase_dir=/srv/couch ; moved\n")])
    assert read.get("couchdb", "database_dir") == "/srv/couch"
    assert read.places["couchdb", "database_dir"] == ini.Line("local.ini", 2)
    assert read.get("chttpd", "port") == "5984"


def test_lines_that_begin_with_blanks_go_on_the_value_before() -> None:
    assert ini.read([("a", DEFAULT)]).get("httpd", "global_handlers") == "{one, two}"


def test_what_is_no_setting_is_named_by_its_line() -> None:
    broken = b"port = 1\n[chttpd\nport 5984\n[chttpd]\n= 3\nbind_address = ::\nnonsense\n"
    assert [line.number for line in ini.read([("local.ini", broken)]).malformed] == [1, 2, 3, 5, 7]


def test_a_password_never_is_in_a_malformed_line() -> None:
    assert "hunter2" not in repr(ini.read([("a", b"[admins]\nadmin hunter2\n")]).malformed)


def test_old_names_of_sections_count() -> None:
    read = ini.read([("a", b"[couch_httpd_auth]\nrequire_valid_user = true\nsecret = abc\n")])
    assert read.get("chttpd", "require_valid_user") == "true"
    assert read.get("chttpd_auth", "secret") == "abc"
    assert read.get("chttpd", "nothing", "usual") == "usual"


def test_an_empty_value_takes_a_setting_away() -> None:
    assert ini.read([("a", DEFAULT), ("b", b"[chttpd]\nport =\n")]).get("chttpd", "port") == ""


def test_any_bytes_can_be_read() -> None:
    for content in (b"", b"\xff\xfe\x00[=]", b"[" * 1000, b"=\n" * 1000, b"[a]\n  = b\n  c\n"):
        assert ini.read([("a", content)]).section("admins") == {}


def test_flags_of_erlang() -> None:
    flags = ini.vm_args(b"# -name no\n-name couchdb@127.0.0.1 # yes\n-setcookie 'monster'\n+K true\n-noshell\n")
    assert flags == {"-name": "couchdb@127.0.0.1", "-setcookie": "monster", "+K": "true", "-noshell": ""}
