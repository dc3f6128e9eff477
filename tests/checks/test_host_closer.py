"""The machine under it all: what each sign is called, and that a healthy machine has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config import Config
from cozydiag.host import Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.host.processes import Descriptors
from cozydiag.testing import FakeSupervisord, answer, process_info
from cozydiag.testing.machine import FakeClock

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

NOW = FakeClock().now()
KILLED = "[99000.250000] Out of memory: Killed process 4242 (beam.smp) total-vm:5107836kB, anon-rss:4000000kB"
DPKG = b"Package: %s\nStatus: install ok %s\nArchitecture: amd64\n\n"


def dmesg(*lines: str) -> dict[str, Any]:
    return {"dmesg": Completed(0, "\n".join(lines).encode(), b"")}


def look(cozy: Cozy, check: str, files: dict[str, bytes | Failure], **changes: Any) -> list[tuple[str, str]]:
    machine = cozy.machine(files=files, **changes)
    return cozy.said(cozy.look(f"host.{check}", machine, Config(discover=True)))


UPTIME = {"/proc/uptime": b"100000.00 180000.00\n"}


@pytest.mark.parametrize(
    ("vmstat", "log", "said"),
    [
        (b"pgfault 1\noom_kill 0\nnuma 2\n", dmesg(), ("ok", "")),
        (b"pgfault 1\n", dmesg(), ("skip", "")),
        (b"pgfault 1\noom_kill 1\nnuma 2\n", dmesg(KILLED), ("warn", "host.oom_killed")),
        (b"\noom_kill 1\n", dmesg(KILLED.replace("99000", "9000")), ("ok", "")),  # longer ago than a day
        (b"\noom_kill 1\n", {"dmesg": Completed(1, b"", b"dmesg: read kernel buffer failed")},
         ("unknown", "host.kernel_log")),
    ],
)  # fmt: skip
def test_who_was_killed_for_want_of_memory(
    cozy: Cozy, vmstat: bytes, log: dict[str, Any], said: tuple[str, str]
) -> None:
    assert look(cozy, "oom", {"/proc/vmstat": vmstat, **UPTIME}, commands=log) == [said]


def test_the_killed_process_is_named_with_the_kernels_words(cozy: Cozy) -> None:
    machine = cozy.machine(files={"/proc/vmstat": b"\noom_kill 3\n", **UPTIME}, commands=dmesg("[1.0] boot", KILLED))
    (finding,) = cozy.look("host.oom", machine, Config(discover=True))
    values = dict(finding.text.params)
    assert (values["name"], values["pid"], values["when"]) == ("beam.smp", "4242", NOW - 1000)
    assert finding.proof is not None
    assert "Killed process 4242" in finding.proof.line


@pytest.mark.parametrize(
    ("loads", "online", "said"),
    [
        (b"8.00 8.00 8.00 3/200 99", b"0-1\n", ("ok", "")),
        (b"8.50 8.10 1.00 3/200 99", b"0-1\n", ("warn", "host.load")),
        (b"1.00 30.0 9.00 3/200 99", b"0-1\n", ("ok", "")),  # it is over
        (b"30.0 1.00 1.00 3/200 99", b"0-1\n", ("ok", "")),  # it has only begun
        (b"30.0 30.0 1.00 3/200 99", b"0-3,8-11,15\n", ("ok", "")),
        (b"30.0 30.0 1.00 3/200 99", Failure("missing", ""), ("skip", "")),
    ],
)
def test_load_is_held_against_the_processors(
    cozy: Cozy, loads: bytes, online: bytes | Failure, said: tuple[str, str]
) -> None:
    files = {"/proc/loadavg": loads, "/sys/devices/system/cpu/online": online}
    assert look(cozy, "load", files) == [said]


@pytest.mark.parametrize(
    ("pressure", "reason"),
    [
        ({"io": b"some avg10=90.00 avg60=80.50 avg300=70\n", "cpu": b"some avg10=1.00 avg60=2.00 avg300=1\n"},
         "most of it waits for the disk"),
        ({"memory": b"some avg10=9.00 avg60=30.00 avg300=70\n"}, "it is short of memory and swaps"),
        ({}, "its processors are busy"),
    ],
)  # fmt: skip
def test_what_the_load_waits_for_is_told(cozy: Cozy, pressure: dict[str, bytes], reason: str) -> None:
    files = {f"/proc/pressure/{name}": content for name, content in pressure.items()}
    files |= {"/proc/loadavg": b"30 30 30 1/1 1", "/sys/devices/system/cpu/online": b"0\n"}
    (finding,) = cozy.look("host.load", cozy.machine(files=files), Config(discover=True))
    assert dict(finding.text.params)["why"].template == reason  # type: ignore[union-attr]


def test_open_files_of_the_machine_and_of_a_service(cozy: Cozy) -> None:
    plenty: dict[str, bytes | Failure] = {"/proc/sys/fs/file-nr": b"3000\t0\t9223372036854775807\n"}
    assert look(cozy, "descriptors", plenty) == [("ok", "")]
    assert look(cozy, "descriptors", {"/proc/sys/fs/file-nr": b"950\t0\t1000\n"}) == [("fail", "host.files_used_up")]
    home = process_info("cozy-home")["pid"]
    alone = FakeSupervisord([process_info("cozy-home")])
    machine = cozy.machine(files=plenty, supervisord=alone, descriptors={home: Descriptors(1000, 1024)})
    (finding,) = cozy.look("host.descriptors", machine, Config(discover=True))
    assert (finding.code, finding.role, finding.service) == (
        "service.file_descriptors", "cozy.home", "supervisord:cozy-home",
    )  # fmt: skip


SYNCHRONISED = {"/run/systemd/timesync/synchronized": b""}
SYSTEMD = {"/run/systemd/system": b""}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (SYNCHRONISED, ("ok", "")),
        ({"/.dockerenv": b""}, ("skip", "")),
        ({}, ("skip", "")),
        ({**SYSTEMD, **UPTIME}, ("warn", "host.clock_adrift")),
        ({**SYSTEMD, "/proc/uptime": b"60.00 60.00\n"}, ("skip", "")),
        ({"/run/chrony/chronyd.pid": b"7", **UPTIME}, ("warn", "host.clock_adrift")),
    ],
)
def test_who_keeps_the_clock(cozy: Cozy, files: dict[str, bytes | Failure], said: tuple[str, str]) -> None:
    assert look(cozy, "clock", files) == [said]


def test_a_clock_behind_what_was_written_is_wrong(cozy: Cozy) -> None:
    """A file cannot be younger than now. In the tables all were written when the epoch began."""
    machine = cozy.machine(files={"/etc": b"", **SYNCHRONISED}, clock=FakeClock(-4000.0))
    (finding,) = cozy.look("host.clock", machine, Config(discover=True))
    assert (str(finding.status), finding.code) == ("fail", "host.clock_wrong")


LIST = {"/var/lib/dpkg/status": DPKG % (b"bash", b"installed")}
LOCK = {"/var/lib/dpkg/lock-frontend": b"", "/proc/locks": b"1: POSIX  ADVISORY  WRITE 77 00:01:1 0 EOF\n"}
APT = Process(77, 1, "S", "apt-get", NOW - 60, ("apt-get",), 0)


@pytest.mark.parametrize(
    ("files", "processes", "said"),
    [
        (LIST, (), ("ok", "")),
        ({}, (), ("skip", "")),
        ({"/var/lib/dpkg/status": DPKG % (b"bash", b"half-configured")}, (), ("warn", "host.packages_half")),
        ({"/var/lib/dpkg/status": DPKG % (b"bash", b"unpacked")}, (), ("warn", "host.packages_half")),
        ({"/var/lib/dpkg/status": DPKG % (b"bash", b"triggers-pending")}, (), ("ok", "")),
        ({**LIST, "/var/lib/dpkg/updates/0001": b""}, (), ("warn", "host.dpkg_interrupted")),
        ({**LIST, **LOCK}, (APT,), ("ok", "")),
        ({**LIST, **LOCK}, (APT._replace(started=NOW - 7200),), ("warn", "host.dpkg_locked")),
        ({"/var/lib/dpkg/status": DPKG % (b"bash", b"half-configured"), **LOCK}, (APT,), ("ok", "")),
    ],
)
def test_packages(
    cozy: Cozy, files: dict[str, bytes | Failure], processes: tuple[Process, ...], said: tuple[str, str]
) -> None:
    assert look(cozy, "packages", files, processes=processes) == [said]


def test_a_restart_may_wait_for_a_week(cozy: Cozy) -> None:
    files: dict[str, bytes | Failure] = {"/run/reboot-required": b"*** System restart required ***\n"}
    assert look(cozy, "reboot", files, clock=FakeClock(3 * 86400.0)) == [("ok", "")]
    assert look(cozy, "reboot", files, clock=FakeClock(8 * 86400.0)) == [("warn", "host.reboot")]
    assert look(cozy, "reboot", {}) == [("skip", "")]


# --- systemd


def said_by_systemd(state: str, failed: int) -> bytes:
    """Two answers as systemd 252 gives them on its own socket."""

    def reply(to: int, body: bytes) -> bytes:
        fields = b"\x05\x01u\0" + to.to_bytes(4, "little") + b"\x08\x01g\0\x01v\0" + b"\0"
        head = b"l\x02\x01\x01" + len(body).to_bytes(4, "little") + to.to_bytes(4, "little")
        return head + len(fields).to_bytes(4, "little") + fields + body

    words = b"\x01s\0\0" + len(state).to_bytes(4, "little") + state.encode() + b"\0"
    return b"OK 0123456789abcdef\r\n" + reply(2, words) + reply(3, b"\x01u\0\0" + failed.to_bytes(4, "little"))


FAILED = "logrotate.service loaded failed failed Rotate log files\n"
JOBS = "7 multi-user.target start waiting\n9 dev-sdb1.device start running\n"


def systemctl(argv: Any) -> Completed:
    output = JOBS if "list-jobs" in argv else FAILED if "list-units" in argv else ""
    return Completed(0, output.encode(), b"")


@pytest.mark.parametrize(
    ("state", "failed", "up", "said"),
    [
        ("running", 0, b"100000.0 1", ("ok", "")),
        ("degraded", 1, b"100000.0 1", ("warn", "host.failed_units")),
        ("starting", 0, b"30.0 1", ("warn", "host.booting")),
        ("starting", 0, b"3000.0 1", ("warn", "host.boot_stuck")),
        ("maintenance", 0, b"30.0 1", ("fail", "host.rescue")),
        ("stopping", 0, b"30.0 1", ("warn", "host.stopping")),
    ],
)
def test_what_systemd_says_of_the_machine(
    cozy: Cozy, state: str, failed: int, up: bytes, said: tuple[str, str]
) -> None:
    sockets = {"/run/systemd/private": answer(200, said_by_systemd(state, failed))}
    files = {**SYSTEMD, "/run/systemd/private": b"", "/proc/uptime": up}
    machine = cozy.machine(files=files, sockets=sockets, commands={"systemctl": systemctl})
    (finding,) = cozy.look("host.units", machine, Config(discover=True))
    assert (str(finding.status), finding.code) == said
    if state == "starting" and said[1] == "host.boot_stuck":
        assert dict(finding.text.params)["job"] == "dev-sdb1.device (start)"


def test_a_systemd_that_says_nonsense_is_unknown(cozy: Cozy) -> None:
    sockets = {"/run/systemd/private": answer(200, b"REJECTED EXTERNAL\r\n")}
    files: dict[str, bytes | Failure] = {**SYSTEMD, "/run/systemd/private": b""}
    assert look(cozy, "units", files, sockets=sockets) == [("unknown", "host.systemd")]


# --- disks, cards, power

PI: dict[str, bytes | Failure] = {"/proc/device-tree/model": b"Raspberry Pi 4 Model B Rev 1.4\0"}
ERRORS = "/sys/fs/ext4/mmcblk0p2/errors_count"
CARD = "[99990.100000] I/O error, dev mmcblk0, sector 1234 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2"
POWER = "[99990.100000] hwmon hwmon1: Undervoltage detected!"


@pytest.mark.parametrize(
    ("files", "log", "said"),
    [
        ({}, dmesg(), [("skip", "")]),
        ({ERRORS: b"0\n"}, dmesg(), [("ok", "")]),
        ({ERRORS: b"3\n"}, dmesg(), [("fail", "host.disk_errors")]),
        (PI, dmesg("[1.0] Booting Linux"), [("ok", "")]),
        (PI, dmesg(CARD), [("fail", "host.sd_card")]),
        (PI, dmesg("[1.0] mmc0: Timeout waiting for hardware interrupt."), [("fail", "host.sd_card")]),
        (PI, dmesg(POWER), [("warn", "host.undervoltage")]),
        ({**PI, "/sys/devices/platform/soc/soc:firmware/get_throttled": b"50005\n"}, dmesg(),
         [("warn", "host.undervoltage")]),
        ({**PI, "/sys/devices/platform/soc/soc:firmware/get_throttled": b"0\n"}, dmesg(), [("ok", "")]),
    ],
)  # fmt: skip
def test_hardware(
    cozy: Cozy, files: dict[str, bytes | Failure], log: dict[str, Any], said: list[tuple[str, str]]
) -> None:
    assert look(cozy, "hardware", {**files, **UPTIME}, commands=log) == said


def test_a_damaged_file_system_is_proven_by_the_kernels_words(cozy: Cozy) -> None:
    files = {ERRORS: b"3\n", **UPTIME}
    (finding,) = cozy.look("host.hardware", cozy.machine(files=files, commands=dmesg(CARD)), Config(discover=True))
    assert finding.proof is not None
    assert finding.proof.line.startswith("I/O error, dev mmcblk0")


# --- names


@pytest.mark.parametrize(
    ("content", "answered", "said"),
    [
        (b"", ("192.0.2.1",), ("skip", "")),
        (b"nameserver 127.0.0.53\n", ("192.0.2.1",), ("ok", "")),
        (b"nameserver 127.0.0.53\n", Failure("name", "no such name"), ("ok", "")),
        (b"nameserver 127.0.0.53\n", Failure("resolver", "temporary failure"), ("warn", "host.resolver")),
        (b"nameserver 192.0.2.53\n", Failure("timeout", "not in time"), ("skip", "")),  # no network at all
    ],
)
def test_the_resolver(cozy: Cozy, content: bytes, answered: Any, said: tuple[str, str]) -> None:
    assert look(cozy, "resolver", {"/etc/resolv.conf": content}, names={"example.com": answered}) == [said]


@pytest.mark.parametrize(
    "check", ["oom", "load", "descriptors", "clock", "packages", "reboot", "units", "hardware", "resolver"]
)
def test_without_discovery_the_machine_is_left_alone(cozy: Cozy, check: str) -> None:
    files = {"/proc/vmstat": b"\noom_kill 9\n", "/etc/resolv.conf": b"nameserver 127.0.0.1\n", ERRORS: b"9\n"}
    found = cozy.look(f"host.{check}", cozy.machine(files=files), Config(discover=False))
    assert cozy.said(found) == [("skip", "")]
