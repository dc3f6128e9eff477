"""One check, run by the engine that runs them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cozydiag.engine.run import Run
from cozydiag.host import Host
from cozydiag.model import Check, Finding, Result
from cozydiag.stack import Stack


def results(check: Check, host: Host, stack: Stack, item: Any = None) -> list[Result]:
    """What the engine makes of ``check`` alone, without what it needs: one result for each item of its source, or
    the one for ``item``."""
    alone = check._replace(needs=(), because=())
    if item is not None:

        def on_item(host: Host, stack: Stack, *options: Any) -> Iterator[Finding]:
            return check.function(host, stack, item, *options)  # type: ignore[no-any-return]

        alone = alone._replace(each=None, function=on_item)
    return Run({check.id: alone}, host, stack).run()


def run_check(check: Check, host: Host, stack: Stack, item: Any = None) -> list[Finding]:
    """The findings of ``check``; a broken check gives the engine's own finding, of status ERROR or TIMEOUT."""
    return [finding for result in results(check, host, stack, item) for finding in result.findings]
