"""The lab's proxies: a few faults in front of each real one, where their packages are here already."""

from __future__ import annotations

import pytest

from scripts.laboratory.bench import run
from scripts.laboratory.proxies import packages
from scripts.laboratory.proxies.cases import BEHIND, CASES, FAULTS, OWN, PROXIES, TLS

FEW = ("well", "refused", "closes-early", "socket-denied", "app-502", "unknown-directive-down", "master-killed",
       "other-name", "port-taken", "tls-expired", "tls-wrong-key-down", "tls-not-reloaded")  # fmt: skip


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("fault", FEW)
def test_a_fault_behind_or_in_a_proxy_is_named(proxy: str, fault: str) -> None:
    if not (packages.folder() / packages.PROGRAMS[proxy]).exists():
        pytest.skip(f"{proxy} was not fetched: scripts/lab --only proxies does so")
    [case] = [case for case in CASES if case.id == f"{proxy}-{fault}"]
    outcome = run(case, False)
    if proxy in FAULTS[fault].cannot:
        assert outcome.skipped_why
        return
    assert outcome.judgement is not None, outcome.skipped_why
    assert not outcome.judgement.problems


def test_every_proxy_meets_enough_faults() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    for proxy in PROXIES:
        assert len([fault for fault in BEHIND if proxy not in fault.cannot]) >= 16
        told = [fault for fault in (*OWN, *TLS) if fault.own not in ("", "files", "connections", "stop", "down")]
        assert len([fault for fault in told if proxy not in fault.cannot]) >= 10
    assert all(set(fault.cannot) <= set(PROXIES) for fault in FAULTS.values())
