"""The configuration: what it gives, and one sentence for whatever is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from cozydiag.config import Config, ConfigError, Secret, Service, Timing, load
from cozydiag.config.check_options import options, verify
from cozydiag.config.lines import dotted, lines
from cozydiag.config.listing import explain, may_be_found
from cozydiag.config.values import Notify, Repair
from cozydiag.text import Percent
from cozydiag.text.catalogue import ENGLISH, catalogue, render

ROOT = Path(__file__).parents[2]

WHOLE = """\
discover = false

[programs]
nginx = "/opt/nginx"  # a comment

[paths]
state = "/srv/state"
logs = "/srv/logs"

[supervisord]
socket = "/run/s.sock"
conf = "/etc/s.conf"

[proxy.nginx]
conf = "/etc/n.conf"
pid = "/run/n.pid"

[proxy.apache]
conf = "/etc/a.conf"

[proxy.caddy]
conf = "/etc/Caddyfile"
admin = "127.0.0.1:2020"

[proxy.haproxy]
conf = "/etc/h.cfg"
socket = "/run/h.sock"

[[sites]]
url = "https://Cozy.example/"
address = "127.0.0.1:8443"

[[sites]]
url = "http://[::1]:8080"
address = "[::1]:80"

[couchdb]
url = "http://admin:s3cr%40t@db.example:5985/"
credentials_file = "/etc/login"
database = "other"

[parts.home]
url = "http://127.0.0.1:19103"

[services."cozy.home"]
manager = "supervisord"
unit = "home"

[timing]
local = 1
deadline = 9.5

[checks."host.disk"]
full = 90.5

[support]
contact = "me"

[notify]
webhook = "https://hooks.example/T0PS3CR3T"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def loaded(path: Path, text: str) -> Config:
    path.write_text(text, "utf-8")
    return load(str(path), {})


def sentence(path: Path, text: str | bytes) -> str:
    """The one sentence that ``text`` is refused with, without the name of the file in front."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as refused:
        load(str(path), {})
    words = str(refused.value)
    assert words.startswith(str(path))
    assert "\n" not in words
    assert render(refused.value.text, catalogue("fr")).startswith(str(path))
    return words.removeprefix(str(path))


def test_without_a_file_everything_is_default() -> None:
    config = load(None, {"HOME": "/nonexistent"}) if not os.path.exists("/etc/cozydiag/config.toml") else Config()
    assert config == Config(settings=config.settings)
    assert config.couchdb.address == ("127.0.0.1", 5984)
    assert {name: part.address[1] for name, part in config.parts.items()} == {
        "controller": 9002,
        "data-system": 9101,
        "home": 9103,
        "proxy": 9104,
    }
    assert set(config.origins.values()) <= {"default"}


def test_every_key_arrives(path: Path) -> None:
    config = loaded(path, WHOLE)
    assert config.discover is False
    assert config.programs == {"nginx": "/opt/nginx"}
    assert config.paths == ("/srv/state", "/srv/logs")
    assert config.supervisord == ("/run/s.sock", "/etc/s.conf")
    assert config.proxy[:2] == ("/etc/n.conf", "/run/n.pid")
    assert config.proxy[2:] == ("/etc/a.conf", "/etc/Caddyfile", ("127.0.0.1", 2020), "/etc/h.cfg", "/run/h.sock")
    assert [site[:4] for site in config.sites] == [
        ("https://Cozy.example/", "cozy.example", ("127.0.0.1", 8443), True),
        ("http://[::1]:8080", "::1", ("::1", 80), False),
    ]
    assert config.couchdb[:4] == ("http://db.example:5985/", ("db.example", 5985), "/etc/login", "other")
    assert config.parts["home"] == ("http://127.0.0.1:19103", ("127.0.0.1", 19103))
    assert config.parts["proxy"].address == ("127.0.0.1", 9104)
    assert config.services == {"cozy.home": Service("supervisord", "home")}
    assert config.timing == Timing(1.0, 5.0, 9.5, 1.2)
    assert config.checks == {"host.disk": {"full": 90.5}}
    assert config.support == {"contact": "me"}
    assert config.notify == Notify(webhook="https://hooks.example/T0PS3CR3T")
    assert config.drop_ins == str(path.parent / "checks.d")


def test_a_site_is_reached_where_its_name_leads_unless_told_otherwise(path: Path) -> None:
    config = loaded(path, '[[sites]]\nurl = "https://cozy.example"\n')
    assert config.sites[0].address == ("cozy.example", 443)


def test_each_value_has_its_origin(path: Path) -> None:
    origins = loaded(path, WHOLE).origins
    assert origins["discover"] == f"{path}:1"
    assert origins["sites[1].url"] == f"{path}:34"
    assert origins['services."cozy.home".unit'] == f"{path}:47"
    assert origins["timing.local"] == f"{path}:50"
    assert origins["timing.remote"] == "default"
    assert origins['checks."host.disk".full'] == f"{path}:54"


def test_secrets_are_revealed_only_when_asked(path: Path) -> None:
    config = loaded(path, WHOLE)
    assert config.couchdb.user is not None
    assert config.couchdb.password is not None
    assert (config.couchdb.user.reveal(), config.couchdb.password.reveal()) == ("admin", "s3cr@t")
    shown = f"{config!r} {config} {config.couchdb} {config.couchdb.password} {config.settings} {explain(config)}"
    assert "s3cr" not in shown
    assert "T0PS3CR3T" not in f"{config!r} {explain(config)}"
    assert repr(Secret("x")) == str(Secret("x")) == f"{Secret('x')}" == "***"


def test_explanations_show_everything_but_secrets(path: Path) -> None:
    text = '[checks.mine]\nlimit = 3\npassword = "x"\nurl = "http://u:p@h/"\n[notify]\napprise = ["mailto://me:x@example"]\n'
    rows = {key: (value, origin) for key, value, origin in explain(loaded(path, WHOLE))}
    assert rows["discover"] == ("false", f"{path}:1")
    assert rows["paths.state"] == ('"/srv/state"', f"{path}:7")
    assert rows["sites[1].address"] == ('"[::1]:80"', f"{path}:35")
    assert rows["couchdb.url"] == ('"http://db.example:5985/"', f"{path}:38")
    assert rows["couchdb.password"] == ("***", f"{path}:38")
    assert rows["timing.second_look"] == ("1.2", "default")
    rows = {key: (value, origin) for key, value, origin in explain(loaded(path, text))}
    assert rows["paths.state"] == ("-", "default")
    assert rows["checks.mine.limit"] == ("3", f"{path}:2")
    assert rows["checks.mine.password"] == ("***", f"{path}:3")
    assert rows["checks.mine.url"] == ('"http://***@h/"', f"{path}:4")
    assert rows["notify.apprise"] == ("***", f"{path}:6")
    assert "couchdb.password" not in rows


def test_an_address_that_nobody_configured_may_be_found(path: Path) -> None:
    keys = ("couchdb.url", "parts.home.url", "couchdb.database", "discover")
    shown = {
        text: [key for key in keys if may_be_found(loaded(path, text), key)] for text in ("", "discover = false\n")
    }
    assert shown == {"": ["couchdb.url", "parts.home.url"], "discover = false\n": []}
    assert not may_be_found(loaded(path, '[couchdb]\nurl = "http://127.0.0.1:5984"\n'), "couchdb.url")


def test_the_environment_says_where_couchdb_is(path: Path) -> None:
    path.write_text(WHOLE, "utf-8")
    config = load(str(path), {"COZYDIAG_COUCHDB_URL": "http://u:p@127.0.0.1:15984"})
    assert config.couchdb.url == "http://127.0.0.1:15984"
    assert config.couchdb.password is not None
    assert config.couchdb.password.reveal() == "p"
    assert config.origins["couchdb.url"] == "environment COZYDIAG_COUCHDB_URL"
    with pytest.raises(ConfigError) as refused:
        load(str(path), {"COZYDIAG_COUCHDB_URL": "h://user:hidden@host"})
    assert str(refused.value).startswith("COZYDIAG_COUCHDB_URL: couchdb.url must be an address")
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("discovery = true", ", line 1: discovery is not known; did you mean discover?"),
        ("\n[couchdb]\n\nulr = ''", ", line 4: couchdb.ulr is not known; did you mean url?"),
        ("[couchbd]", ", line 1: couchbd is not known; did you mean couchdb?"),
        ("[paths]\nzzz = 1", ", line 2: paths.zzz is not known; what can be set here is logs, state"),
        ("[proxy.squid]", ", line 1: proxy.squid is not known; what can be set here is apache, caddy, haproxy, nginx"),
        (
            "[proxy.caddy]\nadmin = 'localhost'",
            ", line 2: proxy.caddy.admin must be an IP address and a port, such as 127.0.0.1:80",
        ),
        ("[proxy.nginx]\nport = 80", ", line 2: proxy.nginx.port is not known; what can be set here is conf, pid"),
        ("[parts.hom]\nurl = 'http://h'", ", line 1: parts.hom is not known; did you mean home?"),
        ("[parts.home]\nurls = 'http://h'", ", line 1: parts.home.url is missing"),
        ("[services.proxy]\nmanager = 'systemd'", ", line 1: services.proxy.unit is missing"),
        ("[[sites]]\nurl='http://a'\n[[sites]]\nport = 80", ", line 3: sites[1].url is missing"),
        (
            "[services.cozy.home]\nunit = 'x'",
            ', line 1: a name with a dot needs quotes here: write [services."cozy.home"]',
        ),
        ("[checks.host.disk]\nfull = 1", ', line 1: a name with a dot needs quotes here: write [checks."host.disk"]'),
        ("discover = 1", ", line 1: discover must be true or false"),
        ("discover = 'true'", ", line 1: discover must be true or false"),
        ("couchdb = 1", ", line 1: couchdb must be a table"),
        ("sites = 'x'", ", line 1: sites must be tables, each under [[sites]]"),
        ("[sites]\nurl = 'http://a'", ", line 1: sites must be tables, each under [[sites]]"),
        ("checks = 1", ", line 1: checks must be a table"),
        ("[checks]\nmine = 1", ", line 2: checks.mine must be a table"),
        ("[programs]\nnginx = 1", ", line 2: programs.nginx must be a path in quotes that begins with /"),
        ("[programs]\nnginx = 'nginx'", ", line 2: programs.nginx must be a path in quotes that begins with /"),
        ("[paths]\nstate = '~/x'", ", line 2: paths.state must be a path in quotes that begins with /"),
        ('[paths]\nstate = "/x\\u0000"', ", line 2: paths.state must be a path in quotes that begins with /"),
        ("[couchdb]\ndatabase = ''", ", line 2: couchdb.database must be text in quotes, on one line and not empty"),
        (
            "[timing]\nlocal = true",
            ", line 2: timing.local must be a number of seconds, more than 0 and at most a day",
        ),
        ("[timing]\nlocal = 0", ", line 2: timing.local must be a number of seconds, more than 0 and at most a day"),
        ("[timing]\nlocal = nan", ", line 2: timing.local must be a number of seconds, more than 0 and at most a day"),
        ("[timing]\nlocal = inf", ", line 2: timing.local must be a number of seconds, more than 0 and at most a day"),
        (
            "[couchdb]\nurl = 'admin:hidden@h:1'",
            ", line 2: couchdb.url must be an address in quotes that begins with http:// or https://",
        ),
        (
            "[couchdb]\nurl = 'http://a:hid/den@h:99999'",
            ", line 2: couchdb.url must be an address in quotes that begins with http:// or https://",
        ),
        (
            "[[sites]]\nurl = 'http://a:hidden@h'",
            ", line 2: sites[0].url must not hold a user and a password: others read this address too",
        ),
        (
            "[[sites]]\nurl = 'http://a'\naddress = 'a:80'",
            ", line 3: sites[0].address must be an IP address and a port, such as 127.0.0.1:80",
        ),
        (
            "[[sites]]\nurl = 'http://a'\naddress = '::1:80'",
            ", line 3: sites[0].address must be an IP address and a port, such as 127.0.0.1:80",
        ),
        (
            "[[sites]]\nurl = 'http://a'\naddress = 80",
            ", line 3: sites[0].address must be an IP address and a port, such as 127.0.0.1:80",
        ),
        ("a = \n", ", line 1: this is not TOML, at column 5: "),
        ("[couchdb]\npassword = 'hidden", ", line 2: this is not TOML"),
        ("[a]\n[a]", ", line 2: this is not TOML, at column 3: "),
        ("x = " + "[" * 10000, ", line 1: this is not TOML"),
        (b"discover = true\nx = '\xff'", ", line 2: this is not UTF-8: save the file as UTF-8"),
        (b"#" * (1 << 20) + b"\n", ": it is too long to be a configuration"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path: Path, text: str | bytes, problem: str) -> None:
    words = sentence(path, text)
    assert words.startswith(problem)
    assert "hidden" not in words


def test_a_byte_order_mark_and_windows_lines_do_no_harm(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfdiscover = false\r\n[paths]\r\nlogs = '/x'\r\n")
    assert load(str(path), {}).origins["paths.logs"] == f"{path}:3"


def test_a_file_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    for option, environ in ((missing, {}), (None, {"COZYDIAG_CONFIG": missing})):
        with pytest.raises(ConfigError, match=f"{missing}: there is no such file"):
            load(option, environ)
    with pytest.raises(ConfigError, match="it cannot be read: Is a directory"):
        load(str(tmp_path), {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="it is not a plain file"):
        load(str(tmp_path / "pipe"), {})


def test_exactly_one_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: tmp_path / name / "config.toml" for name in ("option", "variable", "cozydiag", "machine")}
    for name, file in files.items():
        file.parent.mkdir()
        file.write_text(f'[paths]\nlogs = "/{name}"\n', "utf-8")
    monkeypatch.setattr("cozydiag.config.file.MACHINE", str(files["machine"]))
    environ = {"COZYDIAG_CONFIG": str(files["variable"]), "XDG_CONFIG_HOME": str(tmp_path)}
    assert load(str(files["option"]), environ).paths.logs == "/option"
    assert load(None, environ).paths.logs == "/variable"
    environ["COZYDIAG_CONFIG"] = ""
    root = os.geteuid() == 0
    assert load(None, environ).paths.logs == ("/machine" if root else "/cozydiag")
    if not root:
        assert load(None, {"HOME": str(tmp_path)}).paths.logs == "/machine"
    files["machine"].unlink()
    assert load(None, {"XDG_CONFIG_HOME": "relative", "HOME": str(tmp_path / "none")}).file is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_passed_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch(mode=0o000)
    monkeypatch.setattr("cozydiag.config.file.MACHINE", str(path))
    with pytest.raises(ConfigError, match="you may not read this file"):
        load(None, {"HOME": "/nonexistent"})


@pytest.mark.skipif(os.geteuid() != 0, reason="others may use what they like")
@pytest.mark.parametrize(
    ("mode", "owner", "problem"),
    [
        (0o664, 0, "others can write it (chmod go-w "),
        (0o606, 0, "others can write it (chmod go-w "),
        (0o644, 65534, "it belongs to another user (chown root "),
    ],
)
def test_root_uses_no_file_that_others_could_have_written(path: Path, mode: int, owner: int, problem: str) -> None:
    path.touch()
    path.chmod(mode)
    os.chown(path, owner, -1)
    with pytest.raises(ConfigError) as refused:
        load(str(path), {})
    assert problem in str(refused.value)


class Options(NamedTuple):
    """Every type that an option may have."""

    switch: bool = False
    whole: int = 1
    number: float = 2.0
    share: Percent = Percent(3)
    word: str = "four"
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demanding:
    limit: int


class Asking(NamedTuple):
    limit: int


def test_options_are_filled_from_their_table(path: Path) -> None:
    text = '[checks."a.b"]\nswitch = true\nwhole = 5\nnumber = 6\nshare = 7.5\nword = "x"\nwords = ["y", "z"]\n'
    config = loaded(path, text)
    assert options(config, "a.b", Options) == Options(True, 5, 6.0, Percent(7.5), "x", ("y", "z"))
    assert options(config, "other", Options) == Options()
    assert type(options(config, "a.b", Options).number) is float
    assert type(options(config, "a.b", Options).share) is Percent


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("swich = true", "swich is not known; did you mean switch?"),
        ("switch = 1", "switch must be true or false"),
        ("whole = true", "whole must be a whole number"),
        ("whole = 1.5", "whole must be a whole number"),
        ("number = '1'", "number must be a number"),
        ("share = false", "share must be a number"),
        ("word = 1", "word must be text in quotes"),
        ("words = 'x'", "words must be a list of texts in quotes"),
        ("words = ['x', 1]", "words must be a list of texts in quotes"),
        ("word = 1979-05-27", "word must be text in quotes"),
    ],
)
def test_wrong_options_are_said_in_one_sentence(path: Path, line: str, problem: str) -> None:
    config = loaded(path, f'\n[checks."a.b"]\n{line}\n')
    with pytest.raises(ConfigError) as refused:
        options(config, "a.b", Options)
    assert str(refused.value) == f'{path}, line 3: checks."a.b".{problem}'


@pytest.mark.parametrize("wanted", [Demanding, Asking])
def test_an_option_without_a_default_must_be_given(path: Path, wanted: type[Demanding] | type[Asking]) -> None:
    with pytest.raises(ConfigError, match=r"line 1: checks\.mine\.limit is missing"):
        options(loaded(path, "[checks.mine]\n"), "mine", wanted)
    with pytest.raises(ConfigError, match=r"checks\.mine\.limit is missing"):
        options(Config(), "mine", wanted)
    assert options(loaded(path, "[checks.mine]\nlimit = 2\n"), "mine", wanted) == wanted(2)


def test_tables_of_checks_are_for_checks_that_exist(path: Path) -> None:
    known = [("host.disk", Options), ("host.load", None)]
    verify(loaded(path, '[checks."host.disk"]\nwhole = 1\n[checks."host.load"]\n'), known)
    for text, problem in (
        ('[checks."host.dsk"]\n', 'checks."host.dsk" is not known; did you mean host.disk?'),
        ('[checks."host.disk"]\nwhole = "1"\n', 'checks."host.disk".whole must be a whole number'),
        ('[checks."host.load"]\nx = 1\n', 'checks."host.load".x is not known; nothing can be set here'),
    ):
        with pytest.raises(ConfigError) as refused:
            verify(loaded(path, text), known)
        assert problem in str(refused.value)


def test_lines_are_found_in_every_way_to_write_a_key() -> None:
    text = "a = 1\nb.c = 2\n[ \"x.y\" . z ]\n'q r' = 3\n[[s]]\n[[s]]\n[s.t]\nu = 4\n  v  = 5 # = 6\n"
    assert lines(text) == {
        ("a",): 1,
        ("b", "c"): 2,
        ("x.y", "z"): 3,
        ("x.y", "z", "q r"): 4,
        ("s", 0): 5,
        ("s", 1): 6,
        ("s", 1, "t"): 7,
        ("s", 1, "t", "u"): 8,
        ("s", 1, "t", "v"): 9,
    }
    assert dotted(("s", 1, "t u", "v.w", "x-y_z")) == 's[1]."t u"."v.w".x-y_z'


def test_nobody_pays_for_a_file_that_is_not_there() -> None:
    script = (
        "import sys; from cozydiag.config import load; import cozydiag.config.file as f; f.MACHINE = '/nonexistent';"
        "load(None, {'HOME': '/nonexistent'}); print({'tomllib', 'tomli', 'difflib', 'urllib.parse'} & {*sys.modules})"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it imports much
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    assert result.stdout == "set()\n"


def test_the_terms_of_a_repair_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[repair]\nstable = 1\nunproven = 2\ncooldown = [1, 2, 2]\nstateful = ["mysql"]\n')
    assert load(str(path), {}).repair == Repair(stable=1.0, unproven=2, cooldown=(1.0, 2.0, 2.0), stateful=("mysql",))
    rows = {key: value for key, value, _ in explain(load(None, {}))}
    assert rows["repair.cooldown"] == "[300.0, 900.0, 2700.0]"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("unproven = 0", "repair.unproven must be a whole number from 1 to 1000"),
        ("daily = true", "repair.daily must be a whole number from 1 to 1000"),
        ("hourly = 1.5", "repair.hourly must be a whole number from 1 to 1000"),
        *(
            (f"cooldown = {wrong}", "repair.cooldown must be a list of three numbers of seconds, none shorter than the")
            for wrong in ("5", "[1, 2]", "[2, 1, 3]")
        ),
        ("cooldown = [0, 1, 2]", "repair.cooldown must be a number of seconds, more than 0 and at most a day"),
    ],
)
def test_terms_that_make_no_sense_are_refused(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[repair]\n{line}\n")
    with pytest.raises(ConfigError) as raised:
        load(str(path), {})
    assert problem in render(raised.value.text, ENGLISH)
