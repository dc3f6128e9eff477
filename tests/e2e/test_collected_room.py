"""`collect-script` on machines made for it: what else may be broken there, and that nothing private comes along."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cozydiag.collected.posting import posted
from cozydiag.collected.reading import Diagnosed, diagnose
from cozydiag.collected.script import script
from cozydiag.config.schema import build
from cozydiag.model import Status
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, Catalogue, catalogue, render
from scripts.laboratory.shells import busybox
from tests.e2e.room import Room, why_none

NONE = why_none()
pytestmark = pytest.mark.skipif(bool(NONE), reason=f"no namespaces here: {NONE}")

RECORDED = Path(__file__).parents[1] / "recordings"
SHELL = ["dash"] if shutil.which("dash") else ["sh"]


@pytest.fixture(params=["dash", "busybox"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "dash":
        return SHELL
    program = busybox()
    if isinstance(program, str):
        pytest.skip(program)
    return [str(program), "ash"]


NGINX = """events {{}}
http {{
    server {{
        listen 80;
        listen 443 ssl;
        server_name app.room.example;
        ssl_certificate /etc/nginx/{certificate};
        ssl_certificate_key /etc/nginx/cozy.key;
        location / {{ proxy_pass http://127.0.0.1:3000; }}
    }}
}}
"""
APACHE = """Listen 80
IncludeOptional sites-enabled/*.conf
"""
SITE = """<VirtualHost *:80>
    ServerName app.room.example
    ProxyPass / http://127.0.0.1:3000/
</VirtualHost>
"""
DUMP = f"# In file: /etc/apache2/apache2.conf\n# 1:\nListen 80\n# In file: /etc/apache2/sites-enabled/app.conf\n{SITE}"
MISSPELT = """AH00526: Syntax error on line 3 of /etc/apache2/sites-enabled/app.conf:
Invalid command 'ProxyPas', perhaps misspelled or defined by a module not included in the server configuration
"""
TAKEN = (
    "[Sat Nov 21 08:46:36.586548 2026] [core:emerg] (98)Address already in use: AH00072: make_sock: could not bind\n"
)
APP: dict[str, Any] = {"name": "node", "ports": [3000]}
CANARY = "Canary-Environment-1"


def certificate(room: Room, name: str = "expired.crt") -> None:
    for file in (name, "cozy.key"):
        room.write(f"/etc/nginx/{file}", (RECORDED / "certificates" / file).read_text())
    room.write("/etc/nginx/nginx.conf", NGINX.format(certificate=name))
    tls = [f"/etc/nginx/{name}", "/etc/nginx/cozy.key"]
    room.roles += [{"name": "nginx", "ports": [80, 443], "tls": tls, "worker": True, "pid_file": "/run/nginx.pid"}, APP]


def apache(room: Room, program: str) -> None:
    room.write("/etc/apache2/apache2.conf", APACHE)
    room.write(
        "/etc/apache2/envvars", "export APACHE_RUN_USER=www-data\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n"
    )
    room.write("/etc/apache2/sites-enabled/app.conf", SITE)
    room.write("/var/log/apache2/error.log", TAKEN)
    room.program(
        "apache2", f'case $* in -v) exit 0 ;; esac\n[ "$APACHE_LOG_DIR" = /var/log/apache2 ] || exit 9\n{program}'
    )
    room.roles += [APP]


def apache_stopped(room: Room) -> None:
    apache(room, f"cat <<'END'\n{DUMP}END\n")


def apache_misspelt(room: Room) -> None:
    apache(room, f"cat >&2 <<'END'\n{MISSPELT}END\nexit 1")


def inspected() -> list[dict[str, Any]]:
    """Of the recorded containers the one that failed and one that runs, with what must not be collected."""
    with (RECORDED / "docker" / "inspect.json").open() as file:
        found = [one for one in json.load(file) if one["Name"] in ("/onfail3", "/ok")]
    for one in found:
        one["Path"], one["Args"], one["Mounts"] = "run", ["serve", f"--token={CANARY}"], []
        one["Config"]["Env"] = [f"SECRET={CANARY}"]
        one["Config"]["Labels"] = {"com.docker.compose.project": "shop", "com.docker.compose.service": one["Name"][1:],
                                   "auth.users": CANARY}  # fmt: skip
    return found


def container(room: Room) -> None:
    """What the true docker makes of its answers is another test's: see `test_docker_itself_shows_no_environment`."""
    ids = "\n".join(one["Id"] for one in inspected())
    kept = [{key: value for key, value in one.items() if key != "Config"} for one in inspected()]
    for one, whole in zip(kept, inspected(), strict=True):
        one["Args"] = ["serve"]
        one["Config"] = {"Labels": {k: v for k, v in whole["Config"]["Labels"].items() if v != CANARY}}
    shown = "\n".join(map(json.dumps, kept))
    room.program("docker", f"""case "$*" in
        *'ps -a -q'*) cat <<'END'\n{ids}\nEND\n;;
        *' inspect '*) cat <<'END'\n{shown}\nEND\n;;
        *' logs '*) echo 'Error: the database is not there' >&2 ;;
        *) exit 9 ;;\nesac""")  # fmt: skip
    room.write("/run/docker.sock", "")
    room.roles += [{"name": "dockerd"}]


def pm2(room: Room) -> None:
    """Its daemon lives, and began anew after its list was saved: one app is in it, one is not."""
    home = "/srv/ada/.pm2"
    entries = []
    for number, name in enumerate(("web", "worker")):
        paths = {"pm_exec_path": f"/srv/ada/{name}.js", "pm_pid_path": f"{home}/pids/{name}-{number}.pid",
                 "pm_err_log_path": f"{home}/logs/{name}-error.log"}  # fmt: skip
        entries.append({"name": name, "status": "online", "exec_mode": "fork_mode", "DB_PASSWORD": CANARY,
                        "env": {"name": CANARY, "SECRET": CANARY}, "args": [CANARY], **paths})  # fmt: skip
    room.write(f"{home}/dump.pm2", json.dumps(entries, indent=2))
    room.write(f"{home}/pm2.log", "2026-11-21T08:20:57: PM2 log: New PM2 Daemon started at : 08:20\n"
                                  "2026-11-21T08:20:58: PM2 log: App [web:0] online\n")  # fmt: skip
    room.write(f"{home}/pids/README", "")
    title = f"PM2 v5.4.3: God Daemon ({home})"
    room.roles += [{"name": "PM2 v5.4.3: God", "title": title, "socket": f"{home}/rpc.sock",
                    "pid_file": f"{home}/pm2.pid"},
                   {"name": "node", "pid_file": f"{home}/pids/web-0.pid"}]  # fmt: skip


def pm2_killed(room: Room) -> None:
    room.write("/srv/ada/.pm2/dump.pm2", "[\n]")
    room.roles += [{"name": "node", "stale": "/srv/ada/.pm2/rpc.sock"}]


def forever(room: Room) -> None:
    """As after a reboot."""
    room.write("/srv/ada/.forever/pids/shop.pid", "4194300")
    room.write("/srv/ada/.forever/shop.log", f"password: {CANARY}\n")
    (room.root / "srv/ada/.forever/sock").mkdir()
    room.roles += [{"name": "node", "stale": "/srv/ada/.forever/sock/worker.1795249257.sock"}]


def podman(room: Room) -> None:
    """It has run since the machine started."""
    with (RECORDED / "podman" / "inspect.json").open() as file:
        [one] = [one for one in json.load(file) if one["Name"] == "exited1"]
    one["HostConfig"]["RestartPolicy"]["Name"] = "on-failure"
    one["Config"] = {"Image": one["Config"]["Image"]}
    room.program("podman", f"""case "$*" in
        'ps -a -q'*) echo {one["Id"]} ;;
        'inspect '*) cat <<'END'\n{json.dumps(one)}\nEND\n;;
        'logs '*) echo 'Error: the database is not there' ;;
        *) exit 9 ;;\nesac""")  # fmt: skip
    for folder in ("run/libpod", "run/podman", "srv/root/.local/share/containers/storage"):
        (room.root / folder).mkdir(parents=True)


CASES: dict[str, tuple[Callable[[Room], None], str, str, str]] = {
    "certificate": (
        certificate,
        "certificate.expired",
        "the certificate of app.room.example has expired",
        "app.room.example a expiré",
    ),
    "apache-stopped": (apache_stopped, "service.down", "Apache is not running", "Apache ne tourne pas"),
    "apache-misspelt": (apache_misspelt, "proxy.config", "Apache does not start because", "Apache ne démarre pas car"),
    "container": (container, "service.failed", "shop/onfail3 does not run", "shop/onfail3 ne tourne pas"),
    "pm2": (pm2, "service.lost", "worker is missing from the list of pm2", "worker manque dans la liste de pm2"),
    "pm2-killed": (pm2_killed, "manager.down", "pm2@ada is gone: its socket is still there", "pm2@ada a disparu"),
    "forever": (
        forever,
        "service.lost",
        "shop is missing from the list of forever",
        "shop manque dans la liste de forever",
    ),
    "podman": (podman, "service.failed", "exited1 does not run", "exited1 ne tourne pas"),
}


def causes(found: Diagnosed) -> set[str]:
    """But for those of the true machine below."""
    return {cause.code for cause in found.report.causes if not cause.code.startswith("host.")}


def read(text: bytes) -> Diagnosed:
    found = diagnose(text, build(None, {}))
    assert found.whole
    assert not [one for one in found.report.results if one.status in (Status.ERROR, Status.TIMEOUT)]
    return found


def told(found: Diagnosed, words: Catalogue) -> str:
    return "\n".join(render(one.text, words) for result in found.report.results for one in result.findings)


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_named(tmp_path: Path, case: str) -> None:
    make, code, english, french = CASES[case]
    room = Room(tmp_path / "room")
    make(room)
    found = read(room.collect(SHELL, script()))
    assert causes(found) == {code}, told(found, ENGLISH)
    assert english in told(found, ENGLISH)
    assert french in told(found, catalogue("fr"))


@pytest.mark.parametrize("first", [certificate, apache_misspelt])
def test_every_shell_names_them(tmp_path: Path, shell: list[str], first: Callable[[Room], None]) -> None:
    """Several at once; nothing of an environment comes along, and nothing is written."""
    room = Room(tmp_path / "room")
    for make in (first, container, pm2):
        make(room)
    room.write("/etc/haproxy/haproxy.cfg", f"userlist a\n    user bob password {CANARY}\n    stats auth bob:{CANARY}\n")
    before = seen(room.root)
    text = room.collect(shell, script())
    assert seen(room.root).items() - before.items() <= made_by_actors(room)
    own = "certificate.expired" if first is certificate else "proxy.config"
    assert causes(read(text)) == {own, "service.failed", "service.lost"}, told(read(text), ENGLISH)
    for private in (CANARY, "Ada Canary", "PRIVATE KEY"):
        assert private.encode() not in text
    assert b"|Error: the database is not there" in text


def seen(folder: Path) -> dict[str, int]:
    """Every file below it but mount's own, and what would tell that it was written."""
    files = (path for path in folder.rglob("*") if not path.is_dir() and "run/mount" not in str(path))
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in files}


def made_by_actors(room: Room) -> set[tuple[str, int]]:
    paths = [str(role[word]) for role in room.roles for word in ("pid_file", "socket") if word in role]
    now = seen(room.root)
    return {(path.lstrip("/"), now[path.lstrip("/")]) for path in paths}


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not here")
def test_docker_itself_shows_no_environment(tmp_path: Path) -> None:
    """The true command, in front of the recorded answers of a daemon."""
    room = Room(tmp_path / "room")
    room.roles += [{"name": "dockerd", "docker": inspected()}]
    text = room.collect(SHELL, script())
    assert CANARY.encode() not in text
    found = read(text)
    assert causes(found) == {"service.failed"}, text[text.find(b"== command docker") :][:4000]
    assert "shop/onfail3 does not run" in told(found, ENGLISH)
    assert b"|Error: the database is not there" in text


def test_nobody_is_started_by_a_look(tmp_path: Path) -> None:
    """Neither PM2 nor a container's engine where it does not run."""
    room = Room(tmp_path / "room")
    for name in ("pm2", "forever", "docker", "podman", "dockerd"):
        room.program(name, "touch /srv/started")
    room.write("/run/docker.sock", "")
    room.write("/srv/ada/.pm2/dump.pm2", "[\n]")
    (room.root / "srv/ada/.local/share/containers/storage").mkdir(parents=True)
    assert not causes(read(room.collect(SHELL, script())))
    assert not (room.root / "srv/started").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_who_is_not_root_says_what_was_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    room = Room(tmp_path / "room")
    for make in (certificate, container, pm2):
        make(room)
    room.program(
        "docker", "echo 'Got permission denied while trying to connect to the Docker daemon socket' >&2; exit 1"
    )
    (room.root / "srv/ada").chmod(0o700)
    (room.root / "etc/nginx/expired.crt").chmod(0o600)
    (room.root / "etc/nginx/cozy.key").chmod(0o600)
    found = read(room.collect(SHELL, script(), user=1001))
    assert causes(found) == {"certificate.expired"}
    for words in (
        "docker cannot be asked by this user: permission denied",
        "pm2 cannot be asked by this user: permission denied",
        "/etc/nginx/expired.crt cannot be read",
    ):
        assert words in told(found, ENGLISH)


def test_what_is_posted_has_no_name_in_a_certificate(tmp_path: Path) -> None:
    """A certificate is public, and has the site's names in it, in Base64 too."""
    room = Room(tmp_path / "room")
    certificate(room)
    text = room.collect(SHELL, script())
    inside = (RECORDED / "certificates" / "expired.crt").read_bytes().splitlines()[3]
    assert inside in text
    shown = posted(read(text), t("a collected file"), "text", ENGLISH)
    assert "[certificate.expired" in shown
    for private in ("room.example", "BEGIN CERTIFICATE", inside.decode()):
        assert private not in shown
