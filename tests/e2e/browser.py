"""A headless Chromium, spoken to through two pipes (Chrome DevTools Protocol, `--remote-debugging-pipe`)."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SECONDS = 60.0
"""For one answer, on a busy machine."""


class Browser:
    """One page. ``events`` has what it told of itself."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._buffer = b""
        self._session: str | None = None
        self._home = tempfile.mkdtemp(prefix="cozydiag-browser-")
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()

        def pipes() -> None:  # the protocol is spoken on 3 and 4
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        line = [str(program), "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", f"--user-data-dir={self._home}",
                "about:blank"]  # fmt: skip
        self._process = subprocess.Popen(
            line, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=pipes,  # noqa: PLW1509  no thread runs here
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        target = next(one["targetId"] for one in self("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._number += 1
        said: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            said["sessionId"] = self._session
        os.write(self._out, json.dumps(said).encode() + b"\0")
        while True:
            heard = self._next()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                found: dict[str, Any] = heard["result"]
                return found
            self.events.append(heard)

    def open(self, url: str) -> None:
        self.events.clear()
        self("Page.navigate", url=url)
        deadline = time.monotonic() + SECONDS
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            assert time.monotonic() < deadline, "the page did not load in time"
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """What a script gives, promises awaited."""
        found = self("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def of(self, method: str) -> list[dict[str, Any]]:
        return [one["params"] for one in self.events if one.get("method") == method]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._home, ignore_errors=True)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser said nothing in time"
            piece = os.read(self._in, 1 << 16)
            assert piece, "the browser has ended"
            self._buffer += piece
        one, _, self._buffer = self._buffer.partition(b"\0")
        heard: dict[str, Any] = json.loads(one)
        return heard
