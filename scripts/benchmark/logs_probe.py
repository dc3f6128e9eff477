"""Run by the interpreter that is measured: what reading a log's end and looking at it costs. Prints JSON."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable

from cozydiag.logs import reading
from cozydiag.rules import Rule, Scanner, load

SIZE = 2 << 30
LINES = 10_000


def cpu(work: Callable[[], object]) -> float:
    """Seconds; the least of three, for what else the machine does only adds."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs)


def log(rules: list[Rule], size: int) -> list[str]:
    """Lines of a busy server, one in a thousand of them an example of a rule."""
    chance = random.Random(1)  # noqa: S311
    examples = [line for rule in rules for line in rule.match]
    frames = (
        "INFO GET /api/items/{n} 200 {m} ms id={h}",
        "DEBUG worker {m} took job {h} from queue mail",
        '127.0.0.1 - - "GET /static/{h}.js HTTP/1.1" 200 {n}',
        "user {n} logged in from 10.0.{m}.{m}",
        "connection from peer {n} accepted, error count {m}, database ok",
    )
    lines, written = [], 0
    while written < size:
        n, m, h = chance.randrange(10**5), chance.randrange(100), f"{chance.getrandbits(48):x}"
        line = f"2026-11-21T08:{m:02d}:00.000Z " + chance.choice(frames).format(n=n, m=m, h=h)
        lines.append(line if chance.random() > 0.001 else chance.choice(examples))
        written += len(lines[-1]) + 1
    return lines


def scan(path: str) -> int:
    """What it would cost to read the whole file for its lines."""
    ends = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            ends += block.count(b"\n")
    return ends


def main() -> None:
    rules = list(load(None).rules.values())
    scanner, lines = Scanner(rules), log(rules, 8_000_000)
    megabytes = sum(len(line) + 1 for line in lines) / 1e6
    literals = " ".join(pattern.literal for rule in rules for pattern in rule.patterns)
    hostile = (literals * 9)[:40_000]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "app.log")
        with open(path, "wb") as file:
            file.truncate(SIZE)
            file.seek(0, os.SEEK_END)
            file.write(("\n" + "\n".join(lines[: LINES + 5]) + "\n").encode())
        data = {
            "rules": len(rules),
            "megabytes_a_second": megabytes / cpu(lambda: scanner.hits(lines)),
            "end": cpu(lambda: reading.last(path, LINES)),
            "scan": cpu(lambda: scan(path)),
            "hostile": cpu(lambda: scanner.hits([hostile])),
        }
    json.dump(data, sys.stdout)


if __name__ == "__main__":
    main()
