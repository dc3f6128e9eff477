"""Debian's own packages, installed in the overlay of a booted systemd alone, with service starts forbidden: under
systemd, and by their init scripts without it."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import which

from scripts.laboratory.managers.machine import LIMIT, PATH, Machine, NoMachineError, booted
from scripts.laboratory.managers.scene import Scene, SceneError, Tool
from scripts.laboratory.managers.systemd import inside

PACKAGES = ("nginx-light", "apache2", "haproxy", "postfix", "supervisor")
ARCHIVES = Path("/var/tmp/cozydiag-lab/debs")  # noqa: S108  made by root, who alone gets here
POLICY = "#!/bin/sh\nexit 101\n"
"""What keeps packages from starting their services (Debian's policy-rc.d)."""

UNITS = {name: name for name in ("nginx", "apache2", "haproxy", "supervisor")} | {"postfix": "postfix@-"}
STATES = dict.fromkeys(UNITS, "")
ACTS = ("nginx", "haproxy", "apache2", "postfix")

SCRIPTS = {
    "nginx": "", "postfix": "", "haproxy": "", "apache2": "service.failed", "supervisor": "service.failed",
}  # fmt: skip
"""Two run, one was never started, one was killed, and one has a pid file that names another process."""

MASTER = {"master-killed": "service.failed"}
"""nginx's workers serve on without it, and hold its port."""

CONFIGURATION = "/root/cozydiag-lab.toml"
TAKEN = 7777

WRONG_KEY = """\
Listen 127.0.0.1:8443
<VirtualHost 127.0.0.1:8443>
    SSLEngine on
    SSLCertificateFile /root/1.crt
    SSLCertificateKeyFile /root/2.key
</VirtualHost>
"""

HAPROXY = """\
global
    daemon
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend first
    bind 127.0.0.1:8090
"""


@contextmanager
def installed(*packages: str) -> Iterator[Machine]:
    """Raises SceneError."""
    try:
        with booted() as machine:
            install(machine, ARCHIVES, packages)
            yield machine
    except NoMachineError as error:
        raise SceneError(str(error)) from None


def install(machine: Machine, archives: Path, packages: tuple[str, ...]) -> None:
    """Fetched into ``archives``, installed in the overlay. Raises SceneError."""
    if which("apt-get") is None:
        raise SceneError("there is no apt-get here")
    _fetch(archives, packages)
    machine.write("/usr/sbin/policy-rc.d", POLICY)
    machine.run("chmod", "+x", "/usr/sbin/policy-rc.d")
    machine.run("debconf-set-selections", stdin='postfix postfix/main_mailer_type select "Local only"\n')
    files = map(str, archives.glob("*.deb"))
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", f"PATH={PATH}", "dpkg", "-i", *files)
    if done.returncode:
        raise RuntimeError(f"the packages cannot be installed: {done.stderr[-300:]}")
    machine.run("mkdir", "-p", "/run/systemd/system/service.d")
    machine.write("/run/systemd/system/service.d/lab.conf", "[Unit]\nDefaultDependencies=no\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "systemd-journald.service")


def _fetch(archives: Path, packages: tuple[str, ...]) -> None:
    """One at a time: apt-get refuses a folder that another one works in."""
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    line = ["apt-get", "-o", "APT::Sandbox::User=root", "-o", "DPkg::Lock::Timeout=120",
            "-o", f"Dir::Cache::archives={archives}", "install",
            "--download-only", "-y", "--no-install-recommends", *packages]  # fmt: skip
    with (archives / "one-at-a-time").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = subprocess.run(line, capture_output=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
    if done.returncode:
        raise SceneError("the packages of Debian cannot be fetched")


def _configured(machine: Machine) -> None:
    """No two want the same port."""
    machine.write("/etc/apache2/ports.conf", "Listen 127.0.0.1:8080\n")
    machine.write("/etc/haproxy/haproxy.cfg", HAPROXY)
    machine.write(CONFIGURATION, "[timing]\nproof = 1.5\n")


@contextmanager
def scene() -> Iterator[Scene]:
    """All of them run; what is done to each is done when its turn has come."""
    with installed(*PACKAGES) as machine:
        _configured(machine)
        for name in UNITS:
            machine.run("timeout", "20", "systemctl", "start", name)
        holder = f"import socket, time; s = socket.create_server(('127.0.0.1', {TAKEN})); time.sleep(10000)"
        machine.run("systemd-run", "--unit=holder", "-p", "DefaultDependencies=no", "python3", "-c", holder)
        _until(lambda: f":{TAKEN:04X} " in machine.run("cat", "/proc/1/net/tcp").stdout, "a port that is taken")
        addresses = {name: f"systemd:{unit}.service" for name, unit in UNITS.items()}
        verbs = {"nginx": "reload", "haproxy": "reload", "apache2": "restart", "postfix": "restart"}
        tools = {name: Tool(partial(_spoil, machine, name), verbs[name], addresses[name]) for name in ACTS}
        yield Scene(partial(inside, machine, configuration=CONFIGURATION), addresses, tools)


def _spoil(machine: Machine, name: str) -> int:
    """A fault in its configuration; what systemctl says of the reload, or the start, that meets it."""
    if name == "nginx":
        machine.write("/etc/nginx/conf.d/second.conf", f"server {{ listen 127.0.0.1:{TAKEN}; }}\n")
    elif name == "haproxy":
        machine.write("/etc/haproxy/haproxy.cfg", f"{HAPROXY}frontend second\n    bind 127.0.0.1:{TAKEN}\n")
    elif name == "apache2":
        return _wrong_key(machine)
    else:
        machine.run("systemctl", "stop", "postfix")
        machine.run("sh", "-c", "echo broken >>/etc/postfix/main.cf")
        return machine.run("timeout", "20", "systemctl", "start", "postfix").returncode
    return machine.run("timeout", "20", "systemctl", "reload", name).returncode


def _wrong_key(machine: Machine) -> int:
    """apachectl calls the syntax OK; the reload ends Apache."""
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cozy.test")
    for one in ("/root/1", "/root/2"):
        machine.run(*make, "-keyout", f"{one}.key", "-out", f"{one}.crt")
    machine.run("a2enmod", "ssl")
    machine.run("systemctl", "restart", "apache2")
    machine.write("/etc/apache2/sites-enabled/wrong.conf", WRONG_KEY)
    code = machine.run("timeout", "20", "systemctl", "reload", "apache2").returncode
    _until(lambda: machine.show("apache2", "ActiveState").strip() != "active", "the end of Apache")
    return code


@contextmanager
def scripts() -> Iterator[Scene]:
    """The same packages in namespaces where /run is empty, and no systemd in charge."""
    with installed(*PACKAGES) as machine, _without_systemd(machine) as here:
        _configured(here)
        for name in ("nginx", "postfix", "apache2"):
            here.run(f"/etc/init.d/{name}", "start")
        _until(lambda: here.run("cat", "/run/apache2/apache2.pid").returncode == 0, "Apache's pid file")
        here.run("pkill", "-KILL", "apache2")
        here.write("/run/supervisord.pid", "1\n")
        addresses = {name: f"sysv:{name}" for name in SCRIPTS}
        yield Scene(partial(inside, here, configuration=CONFIGURATION), addresses, {}, {
            "master-killed": partial(_kill_master, here),
        })  # fmt: skip


def _kill_master(here: Machine) -> Callable[[], object]:
    here.run("sh", "-c", "kill -KILL $(cat /run/nginx.pid)")
    time.sleep(0.5)
    return lambda: here.run("pkill", "-KILL", "nginx")


@contextmanager
def _without_systemd(machine: Machine) -> Iterator[Machine]:
    enter = ("nsenter", "-t", str(machine.init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")
    inner = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "env", f"PATH={PATH}", "sh", "-c")
    line = [*enter, *inner, "mount -t tmpfs tmpfs /run; mkdir /run/lock; while :; do sleep 1; done"]
    outer = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pid = outer.pid
        for _ in range(2):  # nsenter waits for unshare, which waits for process 1
            found = [pid]
            _until(lambda found=found: _child(found), "a shell of its own")  # type: ignore[misc]
            pid = found[0]
        here = Machine(pid)
        _until(lambda: here.run("ls", "/run").stdout == "lock\n", "an empty /run")
        yield here
    finally:
        outer.kill()
        outer.wait(10)


def _child(found: list[int]) -> bool:
    """Puts the first child of a process in its place, once there is one."""
    children = Path(f"/proc/{found[0]}/task/{found[0]}/children").read_text().split()
    found[:] = [int(children[0])] if children else found
    return bool(children)


def _until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.1)
