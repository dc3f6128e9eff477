"""Stand-in for cozy-stack, for where the real one cannot be had: its order, words and exit codes as `cmd/serve.go`,
`web/server.go` and `web/status/status.go` have them. Instances are the lines of /var/lib/cozy/instances; where there
is a file no-redis beside it, the Redis that it was told of is away."""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from typing import NoReturn

FOLDER = "/etc/cozy"
TRIES = 8
"""Of reaching CouchDB at the start, a second apart."""
PASSPHRASE = "lab-passphrase"  # noqa: S105  of the stand-in, for everybody to read


def fail(words: str) -> NoReturn:
    print(f"Error: {words}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def settings() -> dict[str, str]:
    """The scalars of cozy.yml by dotted key, those of the .local one over them."""
    found: dict[str, str] = {}
    for path in (f"{FOLDER}/cozy.yml", f"{FOLDER}/cozy.yml.local"):
        if not os.path.exists(path):
            continue
        above: list[tuple[int, str]] = []
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = re.match(r"( *)([\w.-]+):(?: (.*))?$", line.rstrip())
            if match is None:
                fail(f"Unable to read the config file {path}: yaml: line {number}: could not find expected ':'")
            while above and above[-1][0] >= len(match[1]):
                above.pop()
            above.append((len(match[1]), match[2]))
            found[".".join(key for _, key in above)] = (match[3] or "").strip().strip("\"'")
    return found


def _up(url: str) -> str:
    """Empty where CouchDB is well, else what Go says of it."""
    login, _, rest = url.partition("://")[2].rpartition("@")
    request = urllib.request.Request(f"http://{rest.rstrip('/')}/_up")
    if login:
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    shown = f"http://{rest.rstrip('/')}/_up"
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return f"Invalid responde code: {error.code}"
    except TimeoutError:
        return f'Get "{shown}": context deadline exceeded'
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            return f'Get "{shown}": context deadline exceeded'
        place = rest.rstrip("/").replace("localhost", "127.0.0.1")
        return f'Get "{shown}": dial tcp {place}: connect: connection refused'
    except OSError:
        return f'Get "{shown}": EOF'


class Stack(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Public(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, told: dict[str, str], *connection: object) -> None:
        self.told = told
        super().__init__(*connection)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: str, kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/status":
            self.status()
        elif path == "/version":
            said = {"build_mode": "production", "build_time": "2023-10-18T05:57:06Z", "runtime_version": "go1.21.3"}
            self.reply(200, json.dumps({**said, "version": "2:1.6.13"}), "application/json")
        elif self.is_app():
            instance = self.headers["Host"].partition(".")[2]
            self.reply(302, "", Location=f"https://{instance}/auth/login?redirect=x")
        elif self.headers.get("Host", "").partition(":")[0] not in instances():
            self.reply(404, "Instance not found")
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self.reply(400, "Bad Request")
        elif path == "":
            self.reply(303, "", Location=f"https://{self.headers['Host']}/auth/login")
        else:
            self.reply(200, "<!DOCTYPE html><title>Cozy</title>", "text/html")

    do_HEAD = do_GET  # noqa: N815

    def is_app(self) -> bool:
        """One of those that every instance is made with, by its nested name."""
        app, _, instance = self.headers.get("Host", "").partition(":")[0].partition(".")
        return app in ("home", "drive", "settings", "store") and instance in instances()

    def status(self) -> None:
        couchdb = _up(self.told.get("couchdb.url", "http://localhost:5984/"))
        assets = self.told.get("fs.url", "file:///var/lib/cozy").removeprefix("file://") + "/dyn-assets"
        files = "" if os.path.isdir(assets) else f"stat {assets}: no such file or directory"
        lost = os.path.exists("/var/lib/cozy/no-redis")
        cache = "dial tcp 127.0.0.1:6379: connect: connection refused" if lost else ""
        well = not couchdb and not files and not cache
        said = {"cache": cache or "healthy", "couchdb": couchdb or "healthy", "fs": files or "healthy",
                "latency": {"cache": "0s", "couchdb": "818.666µs", "fs": "4.446µs"},
                "message": "OK" if well else "KO", "status": "OK" if well else "KO"}  # fmt: skip
        self.reply(200 if well else 502, json.dumps(said, ensure_ascii=False, separators=(",", ":")),
                   "application/json")  # fmt: skip


class Admin(Public):
    def do_GET(self) -> None:
        words = self.headers.get("Authorization", "").partition(" ")[2]
        if not words:
            self.reply(401, "missing basic auth")
        elif base64.b64decode(words).decode().partition(":")[2] != PASSPHRASE:
            self.reply(403, "bad passphrase")
        else:
            rows = [{"type": "io.cozy.instances", "attributes": {"domain": one}} for one in instances()]
            self.reply(200, json.dumps({"data": rows, "meta": {"count": len(rows)}}), "application/vnd.api+json")


def instances() -> list[str]:
    try:
        with open("/var/lib/cozy/instances", encoding="utf-8") as lines:
            return lines.read().split()
    except OSError:
        return []


def serve() -> NoReturn:
    if os.geteuid() == 0:
        print("Use --allow-root if you really want to start with the root user", file=sys.stderr)
        fail("Starting cozy-stack serve as root not allowed")
    told = settings()
    storage = told.get("fs.url", "file:///var/lib/cozy").removeprefix("file://")
    if not storage.startswith("/"):
        fail(f"Filesystem path should be absolute, was: {storage}")
    if not os.path.exists(f"{FOLDER}/cozy-admin-passphrase"):
        fail('Could not find config file "cozy-admin-passphrase"')
    if not os.access(f"{FOLDER}/cozy-admin-passphrase", os.R_OK):
        fail(f"stat {FOLDER}/cozy-admin-passphrase: permission denied")
    reach(told)
    for key in ("credentials_encryptor_key", "credentials_decryptor_key"):
        path = told.get(f"vault.{key}", "")
        if path and not os.access(path, os.R_OK):
            why = "permission denied" if os.path.exists(path) else "no such file or directory"
            fail(f"failed to setup the keyring: open {path}: {why}")
    ports = int(told.get("port", "8080")), int(told.get("admin.port", "6060"))
    print(f'http server major started on "127.0.0.1:{ports[0]}"', flush=True)
    print(f'http server admin started on "127.0.0.1:{ports[1]}"', flush=True)
    admin = listen("admin", ports[1], partial(Admin, told))  # type: ignore[arg-type]
    threading.Thread(target=admin.serve_forever, daemon=True).start()
    listen("major", ports[0], partial(Public, told)).serve_forever()  # type: ignore[arg-type]
    raise SystemExit(0)


def reach(told: dict[str, str]) -> None:
    why = ""
    for _ in range(TRIES):
        why = _up(told.get("couchdb.url", "http://localhost:5984/"))
        if not why:
            return
        message = f"could not reach Couchdb database: {why}, retrying in 1s"
        print(f'time="{time.strftime("%Y-%m-%dT%H:%M:%SZ")}" level=warning msg={json.dumps(message)} nspace=stack',
              file=sys.stderr, flush=True)  # fmt: skip
        time.sleep(1)
    fail(f"failed to init the global db: failed contact couchdb: could not reach Couchdb database: {why}")


def listen(name: str, port: int, handler: type[Public]) -> Stack:
    try:
        return Stack(("127.0.0.1", port), handler)
    except OSError:
        fail(f"failed to start {name} server: listen tcp 127.0.0.1:{port}: bind: address already in use")


def status() -> NoReturn:
    url = f"http://localhost:{settings().get('port', '8080')}/status"
    try:
        with urllib.request.urlopen(url, timeout=5):
            print("OK, the HTTP server is ready.")
    except urllib.error.HTTPError as error:
        fail(f"unexpected HTTP status code: {error.code} {error.reason}")
    except OSError as error:
        fail(f'the HTTP server is not running: Get "{url}": {error}')
    raise SystemExit(0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["version"]:
        print("1.6.13")
    elif sys.argv[1:2] == ["status"]:
        status()
    else:
        serve()
