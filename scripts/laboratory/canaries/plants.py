"""What is planted, and where: the files with secrets in them, and the logs that tell of secrets."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

FILES: Final[Mapping[str, str]] = {
    "etc/cozy/couchdb.login": "anna\n{}\n",
    "etc/cozy/stack.token": "{}\n",
    "etc/cozy/controller.token": "{}\n",
    "etc/cozy/cozy-admin-passphrase": "scrypt$32768$8$1${}\n",
    "etc/cozy/cozy.yml": "couchdb:\n  url: http://anna:{url}@127.0.0.1:5984/\nfs:\n  url: swift://o/?UserName=c&Password={url}\n"
                         "mail:\n  host: mail.example.net\n  password: '{yaml}'\nonlyoffice_inbox_secret: {}\n"
                         "jobs:\n  url: redis://:{url}@127.0.0.1:6379/0\n",
    "etc/supervisor/conf.d/extra.conf": "[program:none]\ncommand=/bin/true --token {}\n"
                                         "environment=A=\"b\",DB_PASS=\"{}\"\n",
    "etc/postfix/sasl_passwd": "[smtp.example.net]:587 anna@example.net:{}\n",
    "etc/nginx/.htpasswd": "anna:$apr1$ZEpR0y3c${}\nbob:{{SSHA}}{}\n",
    "etc/nginx/cozy.htdigest": "anna:cozy realm:{}\n",
    "etc/default/cozy": "export COZY_ADMIN_PASSWORD='{}'\nZORK_KEY='{}'\n",
    "etc/cron.d/pings": "* * * * * root curl -fsS https://hc-ping.com/{} >/dev/null\n"
                        "0 3 * * * root mysqldump -u root -p{} cozy | gzip > /root/x\n",
    "srv/app/.env": "SECRET_KEY_BASE={}\nSMTP_PASS={}\n",
    "root/.netrc": "machine x login anna password {}\n",
    "root/.pgpass": "127.0.0.1:5432:cozy:anna:{}\n",
    "root/.my.cnf": "[client]\nuser=root\npassword={}\n",
    "folder/couchdb/local.ini": "[admins]\nanna = {}\nbob = -pbkdf2-{},c0ffee,10\n[chttpd_auth]\nsecret = {}\n",
    "folder/couchdb/local.d/x.ini": "[admins]\ncarl = {}\n",
    "folder/couchdb/vm.args": "-setcookie {}\n",
    "folder/programs/secretive.conf": "[program:secretive]\ncommand=/bin/sleep 100000\n"
                                      "environment=COUCH_PASSWORD=\"{}\",X_TOKEN=\"{}\"\n",
}  # fmt: skip
"""By path; those of `folder` are in the sandbox. `{}` is a new secret each time, `{url}` one as URLs have it."""

LINES: Final = (
    "connecting to http://cozy:{url}@127.0.0.1:5984/cozy",
    "redis://:{url}@127.0.0.1:6379/0 refused the connection",
    "swift://openstack/?UserName=cozy&Password={url}&ProjectName=x",
    "Authorization: Bearer {}",
    'Proxy-Authorization: Digest username="anna", realm="x", response="{}"',
    "{{ host: 'x', authorization: 'Basic {login}', 'x-auth-token': '{}' }}",
    'proxy_set_header Authorization "Basic {login}";',
    "X-Api-Key: {}",
    "Cookie: cozysessid={url}; locale=fr",
    "Set-Cookie: AuthSession={url}; Version=1; Path=/; HttpOnly",
    'cookies: {{ "sess-a1b2c3": "{json}" }}',
    "GET /?registerToken={url} HTTP/1.1",
    "GET /auth/passphrase_renew?token={url} HTTP/1.1",
    "GET /public?sharecode={url} HTTP/2.0",
    "GET /auth/callback?code={url}&state={url} HTTP/1.1",
    "GET /data?access_token={url} HTTP/1.1",
    '{{"client_secret":"{json}","x":1}}',
    '{{"level":"error","msg":"login failed","password":"{json}","port":5984}}',
    'INFO {{\\"passphrase\\":\\"{json}\\"}}',
    "admins.anna = -pbkdf2:sha256-{},5f,600000",
    "derived_key: '{}', salt: '{}'",
    "beam.smp -setcookie {} -name couchdb@127.0.0.1",
    "onlyoffice_inbox_secret: {}",
    "export BORG_PASSPHRASE='{}'",
    "DATABASE_URL=postgres://cozy:{url}@db:5432/cozy",
    "sudo: anna : TTY=pts/0 ; COMMAND=/usr/bin/mysql -u root -p{}",
    "CMD (sshpass -p {} rsync x y)",
    "redis-cli -a {} ping",
    "curl -s -u admin:{} http://127.0.0.1:5984/_all_dbs",
    "cozy-stack instances add --passphrase {} alice.example.net",
    "htpasswd -b /etc/nginx/.htpasswd alice {}",
    "anna:$6$saltsalt${}:18000:0:99999:7:::",
    "anna:$2y$10${}",
    "argon2: $argon2id$v=19$m=65536,t=3,p=4${}",
    "userPassword: {{SSHA}}{}",
    "wg: PresharedKey = {}",
    "ALTER USER cozy WITH PASSWORD '{}';",
    "mot de passe : {}",
    "pinging https://hc-ping.com/{}",
    "https://kuma.example.net/api/push/{}?status=up",
    "https://hooks.slack.com/services/T0/B0/{}",
    "https://discord.com/api/webhooks/123/{}",
    "remote: {github}",
    "Error: connect failed with {{ user: 'cozy', pass: '{}' }}",
    "Z_KEY='{}'",
)
"""A line for each form in which a log tells of a secret (facts' table), some with more than one."""

TWO_LINES: Final = ('  "password":', '    "{json}",')


LAST_WORDS: Final = (
    "Error: login refused: mysql -u root -p{}, BORG_PASSPHRASE='{}', --token {}, password {}, "
    "GET /?sharecode={} from http://cozy:{}@127.0.0.1:5984/ and https://hc-ping.com/{}\n"
)
"""What stands in every finding about a program that ends by itself."""


class Canaries:
    """Makes them: each is unlike all others, some have letters that are escaped. ``made`` says where each is."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def fill(self, template: str, place: str, *, plain: bool = False) -> str:
        """``template`` with a canary at each field. ``plain``: of letters and digits alone."""
        canaries = self

        class Fields(dict[str, str]):
            def __missing__(self, key: str) -> str:
                return canaries._field(key, place, plain=plain)

        first, *parts = template.split("{}")
        named = first + "".join(f"{{bare{number}}}{part}" for number, part in enumerate(parts))
        return named.format_map(Fields())

    def _field(self, key: str, place: str, *, plain: bool) -> str:
        number = len(self.made) + 1
        secret = f"Kn{_letters(number)}9xQw7Vb{_letters(number * 7 + 3)}4mZ"
        if not plain and key in ("url", "json", "yaml"):
            secret += {"url": "+/%@é", "json": '"\\é/', "yaml": "%é#"}[key]
        if key == "github":
            secret = f"ghp_{secret}"
        self.made[secret] = place
        if key == "url":
            return quote(secret, safe="")
        if key == "json":
            return json.dumps(secret)[1:-1]
        return base64.b64encode(f"cozy:{secret}".encode()).decode() if key == "login" else secret


def _letters(number: int) -> str:
    """Three letters."""
    return "".join(chr(ord("a") + number // 26**power % 26) for power in (2, 1, 0))


def spelled(secret: str) -> Iterator[str]:
    """Every form in which a secret is repeated."""
    yield from _whole(secret)
    raw = secret.encode()
    yield base64.urlsafe_b64encode(raw).decode()
    yield from (base64.b64encode(b"x" * before + raw + b"y").decode() for before in range(3))


def _whole(secret: str) -> Iterator[str]:
    """The forms in which it has the same letters, whatever stands around it."""
    raw = secret.encode()
    once = json.dumps(secret)[1:-1]
    yield from (secret, quote(secret, safe=""), quote_plus(secret), once, json.dumps(once)[1:-1], html.escape(secret))
    yield from (raw.hex(), raw.hex().upper(), "".join(f"%{byte:02X}" for byte in raw))


def left(secret: str, text: str) -> bool:
    """Whether ``secret`` is in ``text`` in any of these forms; of Base64, what no neighbour has a part in."""
    raw = secret.encode()
    found = {*_whole(secret)}
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw).decode()
        inside = whole[4 * (before > 0) : len(whole) - 4 * bool((before + len(raw)) % 3)]
        found |= {inside, inside.translate(str.maketrans("+/", "-_"))}
    return any(form in text for form in found)
