"""Disks and SD cards that fail, and a Raspberry Pi without enough power."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import fail, warn
from cozydiag.host import Failure, Host
from cozydiag.machine import kernel
from cozydiag.model import Evidence, Finding
from cozydiag.text import Text, When, plural, t

_THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"
_NOW, _HAPPENED = 1 << 0, 1 << 16
"""Under-voltage now, and since the start (the firmware's bits, as `vcgencmd get_throttled` prints them)."""


def file_system(host: Host, device: str, errors: int) -> Finding:
    """ext4 has counted ``errors`` on ``device``; its superblock keeps the number until e2fsck mends it."""
    last = host.read(f"/sys/fs/ext4/{device}/last_error_time", max_bytes=64)
    words = b"" if isinstance(last, Failure) else last.strip()
    when = When(float(words)) if words.isdigit() and words != b"0" else t("time unknown")
    said = kernel.lines(host)
    lines = [] if isinstance(said, Failure) else kernel.disk_errors(said, device.rstrip("0123456789").rstrip("p"))
    counter = Evidence(f"/sys/fs/ext4/{device}/errors_count", str(errors))
    proof = Evidence("dmesg", lines[-1].words) if lines else counter
    return fail(
        "host.disk_errors",
        plural("the file system on {device} is damaged: {n} error (the last: {when})",
               "the file system on {device} is damaged: {n} errors (the last: {when})",
               n=errors, device=device, when=when),
        _copy_first(device),
        role="host",
        affects=(),
        proof=proof,
        by_hand="sudo dmesg | grep -i -e error -e mmc | tail -n 20",
        restart_helps=False,
    )  # fmt: skip


def card(host: Host) -> Iterator[Finding]:
    """What the kernel of a Raspberry Pi says of its power and its SD card."""
    said = kernel.lines(host)
    lines = [] if isinstance(said, Failure) else said
    power = host.read(_THROTTLED, max_bytes=64)
    bits = 0 if isinstance(power, Failure) else _bits(power)
    if bits & (_NOW | _HAPPENED) or kernel.undervoltage(lines):
        told = kernel.undervoltage(lines)
        yield warn(
            "host.undervoltage",
            t("the Raspberry Pi gets too little power right now") if bits & _NOW
            else t("the Raspberry Pi got too little power since it was started"),
            t("Use the power supply made for it, and a short cable: too little power damages SD cards."),
            role="host",
            proof=Evidence("dmesg", told[-1].words) if told else Evidence(_THROTTLED, f"0x{bits:x}"),
            by_hand="vcgencmd get_throttled",
            restart_helps=False,
        )  # fmt: skip
    errors = kernel.disk_errors(lines, "mmc")
    if errors:
        yield fail(
            "host.sd_card",
            t("the SD card fails: the kernel could not read or write it"),
            _copy_first("mmcblk0"),
            role="host",
            affects=(),
            proof=Evidence("dmesg", errors[-1].words),
            by_hand="sudo dmesg | grep -i mmc | tail -n 20",
            restart_helps=False,
        )


def _copy_first(device: str) -> Text:
    if device.startswith("mmcblk"):
        return t("Copy what matters off the card now, then put a new one in: cards that begin to fail do not recover.")
    return t("Copy what matters first, then have the disk checked while it is not in use (e2fsck).")


def _bits(content: bytes) -> int:
    try:
        return int(content.split(b"=")[-1], 16)
    except ValueError:
        return 0
