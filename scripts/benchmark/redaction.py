"""What redaction costs: of ordinary logs, of a hostile line, and of a report with long logs in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cozydiag.sandbox import Sandbox
from scripts.benchmark.measure import Command, in_turn, middle, ratio
from scripts.benchmark.rows import Bound

ROUNDS = 3
LOGS, LINES = 10, 10_000

LOG = """
import random
dice = random.Random(1)
KINDS = (
    '{ip} - - [02/Nov/2026:10:{m:02}:11 +0000] "GET /assets/app.{h}.js HTTP/1.1" 200 {n} '
    '"https://home.cozy.example/" "Mozilla/5.0"',
    '{ip} - - [02/Nov/2026:10:{m:02}:12 +0000] "GET /apps/photos/?locale=fr HTTP/1.1" 304 0 "-" '
    '"Mozilla/5.0 (X11; Linux)"',
    '2026/11/02 10:{m:02}:02 [error] 812#812: *{n} connect() failed (111: Connection refused) while connecting to '
    'upstream, client: {ip}, server: _, request: "GET / HTTP/1.1", '
    'upstream: "http://127.0.0.1:9104/", host: "home.cozy.example"',
    '[notice] 2026-11-02T08:{m:02}:00Z couchdb@127.0.0.1 <0.{n}.0> {h} localhost:5984 127.0.0.1 cozy '
    'GET /cozy/{h} 200 ok {m}',
    'Nov 02 10:{m:02}:01 cozybox systemd[1]: couchdb.service: Scheduled restart job, restart counter is at {m}.',
    '2026-11-02 10:{m:02}:00,123 INFO success: cozy-home entered RUNNING state, process has stayed up for > than '
    '1 seconds',
    'time="2026-11-02T09:{m:02}:00Z" level=info msg="starting worker pool" domain=localhost:8080 nspace=jobs '
    'request_id={h}',
    '    at Socket.<anonymous> (/usr/local/cozy/apps/home/node_modules/americano/lib/main.js:{n}:15)',
)
def lines(count):
    for _ in range(count):
        far = "93.184.%d.%d" % (dice.randrange(9), dice.randrange(250))
        ip = dice.choice(("127.0.0.1", "192.168.1.20", far))
        name = "%020x" % dice.getrandbits(80)
        yield dice.choice(KINDS).format(ip=ip, m=dice.randrange(60), n=dice.randrange(99999), h=name)
"""
"""Lines as the logs of such a server have them, never the same twice."""

_REDACTOR = """
from time import process_time
from cozydiag.redaction import Redactor
from cozydiag.redaction.identity import Identity
def made():
    redactor = Redactor(Identity(["cozy.example"], ["cozybox"], ["alice"]))
    redactor.know("Kn0wn-Secret-%d" % number for number in range(10))
    list(redactor.lines(["password=x", "1.2.3.4 ::1 a@b"]))
    return redactor
"""

_SPEED = (
    LOG
    + _REDACTOR
    + """
text = list(lines(30_000))
redactor = made()
begun = process_time()
for line in redactor.lines(text): pass
print((process_time() - begun) * 1000 / (sum(map(len, text)) / 1e6))
"""
)

_HOSTILE = (
    _REDACTOR
    + """
PARTS = ("password", "password=", "token=a&", "://a:", "a@", "Cookie: a=b; ", "mysql -p", "1.2.3.4 ", "eyJ", "%41", "A",
         "[admins]", "::")
costs = []
for part in PARTS:
    redactor = made()
    begun = process_time()
    for line in redactor.lines([(part * 40_000)[:40_000]]): pass
    costs.append(process_time() - begun)
print(max(costs))
"""
)


class Redaction(NamedTuple):
    """``speed`` is in milliseconds of CPU for a megabyte, ``hostile`` and ``report`` in bare interpreters, ``peak`` in
    MiB."""

    speed: float
    hostile: float
    report: float
    peak: float

    def bounds(self) -> Iterator[Bound]:
        yield Bound("redaction", "ms of CPU for a MB", self.speed, 100)
        yield Bound("hostile line", "CPU, bare interpreters", self.hostile, 5)
        yield Bound("long logs", "CPU, bare interpreters", self.report, 250)
        yield Bound("long logs", "MiB", self.peak, 64)


def cost(bin_folder: Path) -> Redaction:
    """Raises UnexpectedExitError, SandboxError."""
    python = str(bin_folder / "python")
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    bare = Command((python, "-c", "pass"))
    interpreter = middle(in_turn({"bare": bare}, 2 * ROUNDS, environment)["bare"])
    speed = min(_said(python, _SPEED) for _ in range(ROUNDS))
    hostile = min(_said(python, _HOSTILE) for _ in range(ROUNDS)) / interpreter.cpu
    sandbox = Sandbox.create()
    try:
        sandbox.up()
        _fill(sandbox, python)
        report = Command((str(bin_folder / "cozydiag"), "report", "--config", sandbox.config))
        costs = in_turn({"bare": bare, "report": report}, ROUNDS, environment)
    finally:
        sandbox.remove()
    return Redaction(speed, hostile, ratio(costs["report"], costs["bare"]).cpu, middle(costs["report"]).peak / 1024)


def _said(python: str, code: str) -> float:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return float(done.stdout)


def _fill(sandbox: Sandbox, python: str) -> None:
    """Long logs for nginx and for every program."""
    folder = Path(sandbox.folder, "logs")
    found = sorted(folder.glob("*.log"))
    site = next(Path(sandbox.folder, "sites-enabled").glob("*.conf"))
    more = [folder / f"more-{number}.log" for number in range(LOGS - len(found))]
    site.write_text("".join(f"# access_log {path};\n" for path in more) + site.read_text())
    code = LOG + f"import sys\nfor line in lines({LINES}): print(line)\n"
    for path in (*found, *more):
        with path.open("a") as file:
            subprocess.run([python, "-c", code], stdout=file, check=True, cwd="/")
