"""One server of the lab: a booted machine with packages, files and services in its overlay alone."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from scripts.laboratory import tls
from scripts.laboratory.command import Run
from scripts.laboratory.managers.debian import install
from scripts.laboratory.managers.machine import LIMIT, ROOT, Machine, NoMachineError, booted
from scripts.laboratory.managers.scene import SceneError

ARCHIVES = Path("/var/tmp/cozydiag-lab/hosts")  # noqa: S108  made by root, who alone gets here
PYTHON = f"{sys.base_prefix}/bin/python3"
DOMAIN = "cozy.test"
STATE = "/var/lib/lab/couchdb"
"""A word in it is what the stand-in of CouchDB does (`cozydiag.sandbox.programs.couchdb`)."""

DATABASES = {"v2": "cozy", "v3": "global%2Finstances"}

COUCHDB = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          couchdb
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: CouchDB (a stand-in of the lab)
### END INIT INFO
export PYTHONPATH={root}
pid=/run/couchdb.pid
line="{python} -m scripts.laboratory.hosts.couchdb {database}"
line="$line --port=5984 --state=/var/lib/lab/couchdb --logins=/dev/null"
case $1 in
start) start-stop-daemon --start --background --make-pidfile --pidfile $pid --startas /bin/sh -- \\
    -c "exec $line >>/var/log/couchdb/couch.log 2>&1" ;;
stop) start-stop-daemon --stop --retry 5 --pidfile $pid --remove-pidfile --oknodo ;;
restart) $0 stop; $0 start ;;
status) start-stop-daemon --status --pidfile $pid ;;
esac
"""


class Fault(NamedTuple):
    """Lines of shell, as root on the server: what breaks it and what mends it; ``settled`` ends well when the fault is
    there as it stays."""

    break_: str
    mend: str
    settled: str = "true"


class Server:
    """``kind`` is v2 or v3."""

    def __init__(self, machine: Machine, kind: str) -> None:
        self.machine = machine
        self.kind = kind

    def shell(self, lines: str) -> str:
        """Raises RuntimeError where they end badly."""
        done = self.machine.run("sh", "-ec", lines)
        if done.returncode:
            raise RuntimeError(f"{lines[:80]!r} ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}")
        return done.stdout

    def until(self, lines: str, what: str, limit: float = LIMIT) -> None:
        """Until they end well. Raises RuntimeError."""
        deadline = time.monotonic() + limit
        while self.machine.run("sh", "-c", lines).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the lab waited in vain for this: {what}")
            time.sleep(0.1)

    def status(self, *words: str) -> Run:
        done = self.machine.cozydiag("status", "--format", "json", *words)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = None
        return Run(done.returncode, report, done.stderr.strip())

    def python(self, path: str, line: str) -> None:
        """A program of Python at ``path``, which runs one line."""
        self.machine.run("mkdir", "-p", path.rpartition("/")[0])
        self.machine.write(path, f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{line}\n")


@contextmanager
def prepared(kind: str, *packages: str) -> Iterator[Server]:
    """A machine for a Cozy: with CouchDB, and a certificate that it trusts. Raises SceneError."""
    with bare(kind, *packages) as server:
        certificates(server, "/etc/cozy")
        _couchdb(server)
        yield server


@contextmanager
def bare(kind: str, *packages: str) -> Iterator[Server]:
    """A machine with these packages, and the names of the Cozy in its hosts file: no other server tells it any. Raises
    SceneError where it cannot be had."""
    try:
        with booted() as machine:
            install(machine, ARCHIVES / kind, packages)
            server = Server(machine, kind)
            ways = {str(parent) for place in (Path(PYTHON), ROOT / "checks") for parent in place.parents}
            server.shell(f"chmod go+x {' '.join(sorted(ways))}")  # for the users of the services
            names = " ".join((DOMAIN, *(f"{app}.{DOMAIN}" for app in ("home", "drive", "settings", "store"))))
            server.shell(
                "rm -rf /etc/cozy /usr/local/cozy /etc/couchdb /var/lib/couchdb\n"
                f"echo '127.0.0.1 {names}' >>/etc/hosts; echo >/etc/resolv.conf\n"
                "sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf"
            )
            yield server
    except NoMachineError as error:
        raise SceneError(str(error)) from None


def _couchdb(server: Server) -> None:
    """Under its init script, which systemd makes a unit of."""
    server.shell(f"mkdir -p /var/lib/couchdb /var/log/couchdb /var/lib/lab; echo healthy >{STATE}")
    server.shell("mkdir -p /etc/couchdb; printf '[couchdb]\\ndatabase_dir = /var/lib/couchdb\\n[log]\\n"
                 "file = /var/log/couchdb/couch.log\\n' >/etc/couchdb/local.ini")  # fmt: skip
    server.machine.write(
        "/etc/init.d/couchdb", COUCHDB.format(root=ROOT, python=PYTHON, database=DATABASES[server.kind])
    )
    server.shell("chmod 755 /etc/init.d/couchdb; systemctl daemon-reload; systemctl start couchdb")
    server.until(listening(5984), "CouchDB")


def certificates(server: Server, folder: str) -> None:
    """server.crt and alone.crt with their keys, by an authority that this machine trusts; the second is for the domain
    alone, and not for the names of its apps."""
    names = f"DNS:{DOMAIN},DNS:*.{DOMAIN}"
    with tempfile.TemporaryDirectory(prefix="cozydiag-lab-") as here:
        made = f"{here}/tls"
        tls.issue(made, file="authority")
        tls.issue(made, issuer="authority", names=names)
        tls.issue(made, issuer="authority", names=f"DNS:{DOMAIN}", file="alone")
        server.shell(f"mkdir -p {folder} /usr/local/share/ca-certificates")
        for source, target in (
            ("site.crt", f"{folder}/server.crt"),
            ("site.key", f"{folder}/server.key"),
            ("alone.crt", f"{folder}/alone.crt"),
            ("alone.key", f"{folder}/alone.key"),
            ("authority.crt", "/usr/local/share/ca-certificates/lab.crt"),
        ):
            server.machine.write(target, Path(made, source).read_text("ascii"))
    server.shell(f"chmod 600 {folder}/*.key; update-ca-certificates >/dev/null")


def listening(*ports: int) -> str:
    """Lines that end well where somebody listens on all of these."""
    return " && ".join(f"grep -q ':{port:04X} 00000000:0000 0A' /proc/net/tcp" for port in ports)
