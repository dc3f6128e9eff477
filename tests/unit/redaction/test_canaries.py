"""A secret in every place where one can stand, then bare, in every form: nothing of it is left in the whole text."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from cozydiag.masking import Masks
from cozydiag.redaction import Redactor
from cozydiag.redaction.identity import Identity
from cozydiag.report.guard import Guard
from cozydiag.report.sections import Section

PLACES = {
    "URL": "COZY_COUCHDB_URL=http://cozy:{}@127.0.0.1:5984/",
    "URL without user": "redis://:{}@127.0.0.1:6379/0",
    "swift": "fs: swift://openstack/?UserName=cozy&Password={}&ProjectName=x",
    "bearer": "authorization: Bearer {}",
    "header in a Node object": "{{ host: 'x', authorization: '{}' }}",
    "nginx": 'proxy_set_header X-Auth-Token "{}";',
    "cookie": "Cookie: cozysessid={}; locale=fr",
    "set-cookie": "Set-Cookie: AuthSession={}; Path=/",
    "query": "GET /?registerToken={} HTTP/1.1",
    "share": "GET /public?sharecode={} HTTP/2.0",
    "admins": "[admins]\nanna = {}",
    "chttpd_auth": "[chttpd_auth]\nsecret = {}",
    "cookie of Erlang": "-setcookie {}",
    "login": "==> /etc/cozy/couchdb.login <==\nanna\n{}",
    "token file": "$ cat /etc/cozy/stack.token\n{}",
    "client_secret": "  client_secret: {}",
    "mail": "mail:\n  password: {}",
    "environment": "export DB_PASS='{}'",
    "supervisord": 'environment=A="b",COUCH_PASSWORD="{}"',
    "JSON": '{{"refresh_token":"{}","x":1}}',
    "INI": "password = {}",
    "YAML block": "secret: |\n  {}\nnext: x",
    "mysql": "mysql -u root -p{} cozy",
    "sshpass": "sshpass -p {} ssh x",
    "redis-cli": "redis-cli -a {} ping",
    "curl": "curl -s -u admin:{} http://x/",
    "passphrase": "cozy-stack instances add --passphrase {} alice.example",
    "htpasswd": "htpasswd -b /etc/nginx/.htpasswd alice {}",
    "sasl": "[smtp.example.net]:587 anna@example.net:{}",
    "SQL": "ALTER USER cozy WITH PASSWORD '{}';",
    "French": "mot de passe : {}",
    "push": "https://kuma.example.net/api/push/{}?status=up",
    "wireguard": "PresharedKey = {}",
    "hash": "scrypt$32768$8$1${}",
}
CANARY = "Kana7ri9xQ2wVbN4mZ8pLk3Jh6Gf5Ds1"


def forms(secret: str) -> dict[str, str]:
    raw = secret.encode()
    found = {
        "plain": secret, "quoted": quote(secret, safe=""), "plus": quote_plus(secret), "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "JSON": json.dumps(secret)[1:-1], "JSON in JSON": json.dumps(json.dumps(secret))[3:-3],
        "HTML": html.escape(secret),
        "every letter": "".join(f"%{byte:02X}" for byte in raw), "quoted twice": quote(quote(secret, safe=""), safe=""),
    }  # fmt: skip
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw + b"y").decode()
        found[f"Base64 at {before}"] = whole
        found[f"Base64 for URLs at {before}"] = whole.translate(str.maketrans("+/", "-_"))
    return found


def left(secret: str, text: str) -> list[str]:
    """The forms of ``secret`` that are in ``text``; of Base64, what no neighbour has a part in."""
    raw = secret.encode()
    found = {name: form for name, form in forms(secret).items() if "Base64" not in name}
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw).decode()
        inside = whole[4 * (before > 0) : len(whole) - 4 * bool((before + len(raw)) % 3)]
        found[f"Base64 at {before}"] = inside
        found[f"Base64 for URLs at {before}"] = inside.translate(str.maketrans("+/", "-_"))
    return [name for name, form in found.items() if form in text]


def guarded(redactor: Redactor, *texts: str) -> str:
    """What a report makes of some logs, whose sections are redacted before anything of the later ones is known."""
    guard = Guard(Masks(), redactor)
    sections = [Section(f"Log {number}", text.split("\n"), log=True) for number, text in enumerate(texts)]
    shown = guard.sections(sections, str)
    guard.check(shown)
    return "\n".join(map(str, shown))


@pytest.mark.parametrize("place", PLACES)
def test_what_stands_in_a_place_is_hidden_everywhere_else(place: str) -> None:
    bare = "\n".join(f"again {text} end" for text in forms(CANARY).values())
    shown = guarded(Redactor(Identity()), bare, PLACES[place].format(CANARY), bare)
    assert left(CANARY, shown) == []
    assert shown.count("again ") == 2 * len(forms(CANARY))


@pytest.mark.parametrize(
    "secret", ['Kanari-in/the+file%"é\\Z', "Pa$$ w&rd <x> 'y'", "Zwölf€uro 12", "k4nari", 'a"b\\c/d%e+f=1']
)
def test_known_values_are_hidden_in_every_form(secret: str) -> None:
    redactor = Redactor()
    redactor.know([secret])
    text = "\n".join(f"x {form} y" for form in forms(secret).values())
    shown = guarded(redactor, text)
    assert left(secret, shown) == []
    assert all(redactor.leaks(form) for form in forms(secret).values())
    assert not redactor.leaks(shown)


def test_a_leak_is_told_by_its_line() -> None:
    redactor = Redactor()
    redactor.know(["S3cret-canary"])
    assert redactor.leaks("one\ntwo S3cret-canary\nthree S3cret%2Dcanary") == [2, 3]
    assert redactor.leaks("one\ntwo") == []


@pytest.mark.parametrize(
    "weak", ["cozy", "1234", "couchdb", "password", "localhost", "2026-11-21", "12:30:00", "aaaaaaaaaa", "a b"]
)
def test_weak_values_are_hidden_by_their_place_alone(weak: str) -> None:
    redactor = Redactor()
    redactor.know([weak])
    assert list(redactor.lines([f"the {weak} stays"])) == [f"the {weak} stays"]


def test_every_file_of_known_values(tmp_path: Path) -> None:
    """Whatever a file of this host calls a secret is found again in a log that only mentions it."""
    from cozydiag.config import Config, CouchDB
    from cozydiag.redaction import own
    from cozydiag.stack import Stack
    from cozydiag.testing import FakeHost, Machine

    contents = {
        "/etc/cozy/couchdb.login": "anna\nCanary-login-1\n",
        "/etc/cozy/stack.token": "Canarytoken2\n",
        "/etc/cozy/cozy-admin-passphrase": "Canary words 3\n",
        "/etc/cozy/cozy.yml": "couchdb:\n url: http://anna:Canaryurl4@localhost:5984/\nmail:\n password: Canarymail5\n",
        "/etc/cozy/controller.json": '{"token": "Canaryctl6"}',
        "/opt/couchdb/etc/local.ini": "[admins]\nanna = Canaryadmin7\n[chttpd_auth]\nsecret = Canarychttpd8\n",
        "/opt/couchdb/etc/local.d/x.ini": "[admins]\nbob = Canaryadmin9\n",
        "/opt/couchdb/etc/vm.args": "-setcookie Canarycookie10\n",
        "/opt/couchdb/.erlang.cookie": "CANARYERLANG11",
        "/etc/supervisor/conf.d/cozy.conf": '[program:x]\nenvironment=TOKEN="Canarysup12"\n',
        "/etc/postfix/sasl_passwd": "[smtp.example.net]:587 anna@example.net:Canarysasl13\n",
        "/etc/nginx/.htpasswd": "anna:$apr1$ZEpR0y3c$Canaryhash14xxxxxxxx\n",
        "/srv/app/.env": "DB_PASSWORD=Canaryenv15\n",
        "/etc/cron.d/cozy": "* * * * * root curl https://hc-ping.com/Canary16-ping-abcdef\n",
        "/root/.netrc": "machine x login anna password Canarynetrc17\n",
    }
    host = FakeHost(Machine(files={path: text.encode() for path, text in contents.items()}), 60.0)
    found = own.gather(host, Stack(Config(couchdb=CouchDB())))
    redactor = Redactor()
    redactor.know(found.secrets)
    assert len(found.read) == len(contents)
    secrets = ["Canary-login-1", "Canarytoken2", "Canary words 3", "Canaryurl4", "Canarymail5", "Canaryctl6",
    "Canaryadmin7",
               "Canarychttpd8", "Canaryadmin9", "Canarycookie10", "CANARYERLANG11", "Canarysup12", "Canarysasl13",
               "Canaryenv15",
               "Canary16-ping-abcdef", "Canarynetrc17"]  # fmt: skip
    for secret in secrets:
        assert list(redactor.lines([f"it was {secret} today"])) != [f"it was {secret} today"], secret
