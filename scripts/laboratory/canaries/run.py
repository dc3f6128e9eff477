"""One case: a sandbox with canaries everywhere, what is broken in it, all commands, and what they let out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, NamedTuple

from cozydiag.sandbox import Sandbox, SandboxError, files
from cozydiag.sandbox.faults import FAULTS
from scripts.laboratory.canaries.cases import EVERY, TALKING
from scripts.laboratory.canaries.plants import FILES, LAST_WORDS, LINES, TWO_LINES, Canaries, left, spelled
from scripts.laboratory.cases import Case
from scripts.laboratory.command import LIMIT, ROOT
from scripts.laboratory.faults import deaths
from scripts.laboratory.judge import Judged, Judgement
from scripts.laboratory.waiting import until

REPORTS: Final = (
    ("report",), ("report", "--lang", "fr"), ("report", "--format", "markdown"), ("report", "--format", "html"),
    ("report", "--format", "json"), ("report", "--preview"), ("report", "--post"), ("report", "--keep-identities"),
    ("report", "--full", "--since", "1d"),
)  # fmt: skip
OTHERS: Final = (
    *(("status", "-v", "--format", name) for name in ("text", "json", "jsonl", "nagios", "prometheus", "terminal")),
    ("cron",), ("cron",), ("logs", "cozy-data-system"), ("logs", "cozy-data-system", "--raw"),
    ("logs", "known", "--raw"),
    ("services", "show", "cozy-data-system"), ("services", "logs", "known", "-n", "1000"),
    ("services", "--format", "json"),
    ("fix",), ("config",), ("couchdb",), ("discover",), ("notify",), ("history",), ("status", "--debug"),
    ("fix", "--restart", "--yes"), ("journal",), ("journal", "--format", "json"), ("checks",),
)  # fmt: skip
FEW: Final = (REPORTS[0], REPORTS[4], OTHERS[0], ("cron",), ("cron",))

_IN_NAMESPACE = """
set -e
plants=$1; shift
for place in etc root srv; do mount -t overlay overlay -o "lowerdir=$plants/$place:/$place" "/$place"; done
exec "$@"
"""


def die_talking(sandbox: Sandbox) -> None:
    """The data-system tells secrets with its last words, again and again."""
    file = sandbox.layout.path("logs", "last-words.txt")
    command = f"{sys.executable} -c \"import sys,time;time.sleep(1.2);sys.exit(open('{file}').read())\""
    files.write_program(sandbox.layout, "cozy-data-system", command)
    sandbox.supervisor.update()
    until(lambda: len(deaths(sandbox, "cozy-data-system")) >= 3, "three deaths")


class Leak(NamedTuple):
    command: str
    place: str
    line: str


def judged(case: Case) -> Judged:
    """Leaks are problems of the case; a machine without namespaces skips it."""
    try:
        with server() as bodies, planted(bodies) as scene:
            if why := scene.cannot():
                return Judged(None, why)
            for fault in case.faults:
                die_talking(scene.sandbox) if fault == TALKING else FAULTS[fault].inject(scene.sandbox)
            found = list(scene.leaks((*REPORTS, *OTHERS) if case is EVERY else FEW))
            problems = scene.problems() if TALKING in case.faults else []
    except SandboxError as error:
        return Judged(Judgement((), 0, False, (f"the sandbox: {error}",)), None)
    said = tuple(dict.fromkeys(f"`{one.command}` shows what stands in {one.place}: {one.line}" for one in found))
    return Judged(Judgement((), 0, False, (*said, *problems)), None)


class Scene:
    """A sandbox with ``canaries``; ``bodies`` are what its messages said."""

    def __init__(self, sandbox: Sandbox, canaries: Canaries, plants: str, bodies: list[str]) -> None:
        self.sandbox, self.canaries, self.plants, self.bodies = sandbox, canaries, plants, bodies

    def cannot(self) -> str:
        """Why the files of `/etc` cannot be planted here, "" where they can."""
        done = self._inside("true")
        return "" if done.returncode == 0 else f"no file can be planted in /etc: {done.stderr.strip()[:100]}"

    def run(self, *words: str) -> str:
        """All that a command says, on both of its outputs."""
        done = self._inside(sys.executable, "-m", "cozydiag", *words, "--config", self.sandbox.config)
        return done.stdout + done.stderr

    def leaks(self, commands: Sequence[Sequence[str]]) -> Iterator[Leak]:
        for words in commands:
            said = self.run(*words)
            yield from self.found(" ".join(words), said)
            if words == ("report",):
                yield from self._read(said)
        for kept in Path(self.sandbox.folder, "state", "incidents").glob("*"):
            yield from self.found("journal --incident", self.run("journal", "--incident", kept.name))
        yield from self.found("redact", self.run("redact", self.sandbox.layout.path("logs", "teller.txt")))
        yield from self.found("a message", "\n".join(self.bodies))

    def problems(self) -> list[str]:
        """What else is wrong: the canaries were not where a report looks, or what is kept is not private."""
        bare = self.run("report", "--no-redact", "--since", "1d", "--max-size", "9999999")
        seen = [secret for secret in self.canaries.made if left(secret, bare)]
        found = [] if len(seen) > 0.9 * len(self.canaries.made) else [f"only {len(seen)} canaries were to be hidden"]
        kept = [*Path(self.sandbox.folder, "state", "incidents").rglob("*")]
        return [*found, *(f"others may read {one}" for one in kept if one.stat().st_mode & 0o077)]

    def found(self, command: str, text: str) -> Iterator[Leak]:
        for secret, place in self.canaries.made.items():
            if left(secret, text):
                line = next((line for line in text.splitlines() if left(secret, line)), "(over several lines)")
                yield Leak(command, place, line.strip()[:160])

    def _read(self, report: str) -> Iterator[Leak]:
        file = Path(self.sandbox.folder, "read.txt")
        file.write_text(report, encoding="utf-8")
        for layout in ("text", "json", "html"):
            yield from self.found(f"read --format {layout}", self._inside(
                sys.executable, "-m", "cozydiag", "read", str(file), "--format", layout).stdout)  # fmt: skip

    def _inside(self, *line: str) -> subprocess.CompletedProcess[str]:
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        outer = ["unshare", *root, "--mount", "--propagation", "private", "sh", "-c", _IN_NAMESPACE, "sh", self.plants]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8",
                       "PYTHONPATH": str(ROOT)}  # fmt: skip
        return subprocess.run([*outer, *line], env=environment, cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=LIMIT, check=False)  # fmt: skip


@contextmanager
def planted(bodies: list[str]) -> Iterator[Scene]:
    sandbox, canaries = Sandbox.create(), Canaries()
    try:
        sandbox.up()
        plants = Path(sandbox.folder, "plants")
        for name in ("etc", "root", "srv"):
            (plants / name).mkdir(parents=True)
        for path, content in FILES.items():
            inside = path.removeprefix("folder/")
            target = Path(sandbox.folder, inside) if inside != path else plants / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(canaries.fill(content, f"/{inside}"), encoding="utf-8")
        _settings(sandbox, canaries, bodies)
        _logs(sandbox, canaries)
        yield Scene(sandbox, canaries, str(plants), bodies)
    finally:
        sandbox.remove()


def _settings(sandbox: Sandbox, canaries: Canaries, bodies: list[str]) -> None:
    """All of the machine is looked at, and there is somebody to tell, at addresses that are secrets."""
    config = Path(sandbox.config)
    port = bodies[0]
    notify = canaries.fill('[notify]\nping = "http://127.0.0.1:PORT/ping/{}"\nwebhook = "http://127.0.0.1:PORT/hooks/{}"\n'
                           'kuma = "http://127.0.0.1:PORT/api/push/{}"\n', "[notify]")  # fmt: skip
    etc = sandbox.layout.path("couchdb")
    text = config.read_text(encoding="utf-8").replace("discover = false", "discover = true")
    text = text.replace("[couchdb]", f'[couchdb]\netc = "{etc}"')
    config.write_text(f"{text}\n{notify.replace('PORT', port)}", encoding="utf-8")


def _logs(sandbox: Sandbox, canaries: Canaries) -> None:
    """Three programs: one that only repeats, one that tells, one that repeats; and the data-system tells, too."""
    told = [canaries.fill(line, f"the log line {line}") for line in LINES]
    told += [canaries.fill(line, "the log lines of pretty JSON") for line in TWO_LINES]
    forms = [f"and again {form} ." for secret in canaries.made for form in spelled(secret)]
    pieces = [*(forms[at : at + 29] for at in range(0, len(forms), 29))]
    known = [f"and again {form} ." for secret, place in canaries.made.items() if place[0] in "/["
             for form in spelled(secret)]  # fmt: skip
    logs = {"early": forms, "known": known, "teller": told[:28], "teller2": told[28:], "late": forms}
    logs |= {f"repeat{number}": piece for number, piece in enumerate(pieces[:: max(1, len(pieces) // 16)])}
    for name, lines in logs.items():
        file = Path(sandbox.folder, "logs", f"{name}.txt")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = f"{sys.executable} -c \"import sys,time;sys.stdout.buffer.write(open('{file}','rb').read());sys.stdout.flush();time.sleep(9999)\""  # noqa: E501
        Path(sandbox.folder, "programs", f"{name}.conf").write_text(
            f"[program:{name}]\ncommand={command}\ndirectory={sandbox.layout.work}\nstartsecs=0\n"
            f"stdout_logfile={sandbox.folder}/logs/{name}.log\n"
        )
    sandbox.supervisor.update()
    written = [Path(sandbox.folder, "logs", f"{name}.log") for name in logs]
    until(lambda: all(one.exists() and one.stat().st_size > 0 for one in written), "the logs")
    words = canaries.fill(LAST_WORDS, "the last words of a program")
    Path(sandbox.folder, "logs", "last-words.txt").write_text(words, encoding="utf-8")
    for part in ("home", "data-system"):
        with Path(sandbox.folder, "logs", f"{part}-err.log").open("a", encoding="utf-8") as log:
            log.write("\n".join(told) + "\n")


@contextmanager
def server() -> Iterator[list[str]]:
    """Takes messages. The first of what it gives is its port, the rest are bodies."""
    bodies: list[str] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace"))
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            bodies.append(self.path.partition("?")[2])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    bodies.append(str(listening.server_address[1]))
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield bodies
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
