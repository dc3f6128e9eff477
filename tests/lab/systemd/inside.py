"""Runs inside the booted systemd: one act on one unit, told as JSON on stdout."""

from __future__ import annotations

import json
import sys
from contextlib import closing

from cozydiag.config import Config, Timing
from cozydiag.host import Host, World
from cozydiag.managers.service import Service
from cozydiag.repair import owners
from cozydiag.repair.act import KIND, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.text.catalogue import ENGLISH, render


def main(address: str, role: str, verb: str) -> None:
    """``address`` is "" where the owner of ``role`` is to be found."""
    host, stack = Host(World(), 60.0, "lab"), Stack(Config(timing=Timing(proof=0.6)))
    service = owners.service_of(host, stack, role or None, address or None)
    if not isinstance(service, Service):
        print(json.dumps({"service": None}))
        return
    with closing(open_state("/run/cozydiag")) as state:
        outcome = act(host, stack, state, service, verb)
        results = [entry.result["result"] for entry in state.entries(KIND)]
    print(
        json.dumps(
            {
                "service": service.address,
                "result": outcome.result,
                "text": render(outcome.text, ENGLISH),
                "before": outcome.pid_before,
                "after": outcome.pid_after,
                "seconds": outcome.seconds,
                "journal": results[-1:],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
