"""The collector itself, which is a file of its own so that it can be read, tried and checked as one."""

from __future__ import annotations

import os


def script() -> str:
    path = os.path.join(os.path.dirname(__file__), "collect.sh")
    with open(path, encoding="utf-8") as file:
        return file.read()
