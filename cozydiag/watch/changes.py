"""What changed between the last run in which all was well and the first in which it was not."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.text import Bytes, Text, When, plural, t
from cozydiag.watch.history import Run

DPKG_LOG = "/var/log/dpkg.log"

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (install|upgrade|remove|purge) (\S+?)(?::\S+)? (\S+) (\S+)")
"""`2026-11-20 06:12:44 upgrade nodejs:armhf 18.19.0 18.20.4` (dpkg(1), dpkg.log)"""

_SHOWN = 4
"""Packages and files by name; of more than these the number is told."""


def changed(host: Host, well: Run, bad: Run) -> list[Text]:
    """In the order of how often it is the reason."""
    found = [*_packages(host, well, bad), *_files(well, bad)]
    if well.boot and bad.boot and well.boot != bad.boot:
        found.append(t("the machine was started anew"))
    before, after = (str(run.surroundings.get("cozydiag", "")) for run in (well, bad))
    if before != after:
        found.append(t("cozydiag itself: {before}, now {after}", before=before, after=after))
    killed = [name for name in ("host.oom",) if bad.statuses.get(name) == "warn" != well.statuses.get(name)]
    if killed:
        found.append(t("the kernel killed a process because memory was used up"))
    return found


def shrunk(samples: Sequence[tuple[float, float]], well: float, bad: float) -> Bytes | None:
    """By how many bytes a disk has filled between two moments, if that was much: a tenth of what was free."""
    before = [value for at, value in samples if at <= well]
    after = [value for at, value in samples if at <= bad]
    if not before or not after or before[-1] - after[-1] < before[-1] / 10:
        return None
    return Bytes(int(before[-1] - after[-1]))


def _packages(host: Host, well: Run, bad: Run) -> Iterator[Text]:
    before, after = well.surroundings.get("packages"), bad.surroundings.get("packages")
    if before == after or not after:
        return
    moved = list(_upgrades(host, well.until, bad.at))
    if moved:
        yield t("packages: {names}", names=_listed(moved))
    else:
        yield t("packages were changed at {when}", when=When(float(after)))


def _upgrades(host: Host, since: float, until: float) -> Iterator[str]:
    """`nodejs 18.19.0 → 18.20.4`, from dpkg's own log, whose times are local."""
    lines = host.tail(DPKG_LOG, 2000)
    for line in [] if isinstance(lines, Failure) else lines:
        match = _LINE.match(line)
        if match is not None and since <= _local(match[1]) <= until:
            yield f"{match[3]} {match[4]} → {match[5]}" if match[2] == "upgrade" else f"{match[2]} {match[3]}"


def _local(words: str) -> float:
    try:
        return time.mktime(time.strptime(words, "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return float(calendar.timegm((1970, 1, 1, 0, 0, 0)))


def _files(well: Run, bad: Run) -> Iterator[Text]:
    before, after = _file_map(well), _file_map(bad)
    other = [path for path in after if path in before and after[path] != before[path]]
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    if other:
        yield t("changed: {names}", names=_listed(sorted(other)))
    if new:
        yield t("new: {names}", names=_listed(sorted(new)))
    if gone:
        yield t("gone: {names}", names=_listed(sorted(gone)))


def _listed(paths: Iterable[str]) -> Text | str:
    names = list(paths)
    shown, more = ", ".join(names[:_SHOWN]), len(names) - _SHOWN
    return plural("{names} and {n} more", "{names} and {n} more", n=more, names=shown) if more > 0 else shown


def _file_map(run: Run) -> Mapping[str, object]:
    files = run.surroundings.get("files")
    return files if isinstance(files, dict) else {}
