"""What SELinux and AppArmor forbid is told by the kernel's own line, with the switch that allows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import Proxy, Site
from cozydiag.host.commands import Completed
from cozydiag.model import Evidence, Finding
from cozydiag.proxies import denials
from cozydiag.testing import FakeClock, Machine, Served, answer
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

BEGAN = 1_795_251_048.0
SELINUX = (
    "type=AVC msg=audit({at}.243:24287): avc:  denied  {{ name_connect }} for  pid=701 comm=\"{comm}\" dest=9200 "
    "scontext=system_u:system_r:{domain}:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket "
    "permissive=0"
)  # fmt: skip
SOCKET = (
    "audit: type=1400 audit({at}.243:31): avc:  denied  {{ connectto }} for  pid=701 comm=\"nginx\" "
    "path=\"/run/app.sock\" "
    "scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:system_r:initrc_t:s0 tclass=unix_stream_socket "
    "permissive=0"
)  # fmt: skip
APPARMOR = (
    'Nov 21 09:30:48 host kernel: [12.3] audit: type=1400 audit({at}.102:88): apparmor="DENIED" operation="connect" '
    'profile="/usr/sbin/nginx" pid=701 comm="nginx" family="inet" sock_type="stream" protocol=6 '
    'requested_mask="connect" denied_mask="connect"'
)
GRANTED = SELINUX.replace("denied", "granted")
LINE = (
    "{time} [crit] 701#701: *5 connect() to 127.0.0.1:9200 failed (13: Permission denied) while connecting to "
    "upstream, "
    'client: 127.0.0.1, server: cozy.test, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:9200/", '
    'host: "cozy.test"\n'
)


def look(cozy: Cozy, tmp_path: Path, **changes: object) -> Finding:
    """A site whose nginx may not connect to a program that answers everybody else."""
    import time

    (tmp_path / "nginx.conf").write_text(
        f"error_log {tmp_path}/error.log;\nevents {{}}\nhttp {{ server {{ listen 80; server_name cozy.test;\n"
        "location / { proxy_pass http://127.0.0.1:9200; } } }\n"
    )
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(BEGAN + 1))
    (tmp_path / "error.log").write_text(LINE.format(time=moment))
    web: dict[str, Served] = {"127.0.0.1:80": answer(502, "<center>nginx/1.22.1</center>", Content_Type="text/html"),
                              "127.0.0.1:9200": answer(200, "ok", Content_Length="2")}  # fmt: skip
    machine: Machine = cozy.machine(web=web, real=str(tmp_path), clock=FakeClock(BEGAN), **changes)  # type: ignore[arg-type]
    config = cozy.with_config(
        proxy=Proxy(conf=str(tmp_path / "nginx.conf")),
        sites=(Site("http://cozy.test/", "cozy.test", ("127.0.0.1", 80), tls=False),),
    )
    (finding,) = cozy.look("proxy.gateway", machine, config)
    assert cozy.said([finding]) == [("fail", "proxy.connect_denied")]
    return finding


def log(line: str, at: float = BEGAN + 1, **words: str) -> bytes:
    return (line.format(at=int(at), **words) + "\n").encode()


def test_selinux_is_named_with_its_line_and_its_switch(cozy: Cozy, tmp_path: Path) -> None:
    files = {"/var/log/audit/audit.log": log(SELINUX, comm="nginx", domain="httpd_t")}
    finding = look(cozy, tmp_path, files=files)
    assert finding.commands == ("setsebool -P httpd_can_network_connect 1",)
    assert finding.proof is not None
    assert finding.proof.source == "/var/log/audit/audit.log"
    assert "denied  { name_connect }" in finding.proof.line
    assert render(finding.text, ENGLISH) == "SELinux forbids nginx to connect to 127.0.0.1:9200 for cozy.test"
    assert finding.certainty == "certain"


def test_apparmor_is_named_with_its_profile(cozy: Cozy, tmp_path: Path) -> None:
    finding = look(cozy, tmp_path, files={"/var/log/kern.log": log(APPARMOR)})
    assert "AppArmor forbids nginx" in render(finding.text, ENGLISH)
    assert finding.advice is not None
    assert "/usr/sbin/nginx" in render(finding.advice, ENGLISH)
    assert finding.commands == ()


def test_without_a_log_the_journal_of_the_kernel_is_asked(cozy: Cozy, tmp_path: Path) -> None:
    said = Completed(0, log(SELINUX, comm="nginx", domain="httpd_t"), b"")
    finding = look(cozy, tmp_path, files={"/run/systemd/system": b""}, commands={"journalctl": said})
    assert finding.commands == ("setsebool -P httpd_can_network_connect 1",)
    assert finding.proof is not None
    assert finding.proof.source == "journal of the kernel"


@pytest.mark.parametrize(
    "line",
    [
        log(SELINUX, BEGAN - 3600, comm="nginx", domain="httpd_t"),
        log(SELINUX, comm="sshd", domain="sshd_t"),
        log(GRANTED, comm="nginx", domain="httpd_t"),
        b"\xff\x00 garbage\n",
    ],
    ids=["an old one", "another program's", "granted", "garbage"],
)
def test_what_is_of_something_else_is_no_proof(cozy: Cozy, tmp_path: Path, line: bytes) -> None:
    finding = look(cozy, tmp_path, files={"/var/log/audit/audit.log": line})
    assert finding.commands == ()
    assert "Permission denied" in (finding.proof.line if finding.proof else "")


def test_where_no_line_tells_the_usual_switch_is_named_only_with_selinux_at_work(cozy: Cozy, tmp_path: Path) -> None:
    assert look(cozy, tmp_path).commands == ()
    finding = look(cozy, tmp_path, files={"/sys/fs/selinux/enforce": b"1"})
    assert finding.commands == ("setsebool -P httpd_can_network_connect 1",)
    assert finding.certainty == "likely"


@pytest.mark.parametrize(
    ("line", "by", "switch", "network"),
    [
        (SELINUX.format(at=1, comm="haproxy", domain="haproxy_t"), "SELinux", "haproxy_connect_any", True),
        (SELINUX.format(at=1, comm="caddy", domain="unconfined_service_t"), "SELinux", "", True),
        (SOCKET.format(at=1), "SELinux", "", False),
        (APPARMOR.format(at=1), "AppArmor", "", True),
        (APPARMOR.format(at=1).replace('family="inet"', 'name="/run/app.sock"'), "AppArmor", "", False),
    ],
)
def test_lines(line: str, by: str, switch: str, network: bool) -> None:
    found = denials.read(Evidence("log", line))
    assert found is not None
    assert (found.by, found.switch, found.network) == (by, switch, network)


def test_what_is_no_connection_is_none() -> None:
    other = SELINUX.format(at=1, comm="nginx", domain="httpd_t").replace("name_connect", "getattr")
    assert denials.read(Evidence("log", other)) is None
