"""What a look shows of each service, as the memory from run to run wants it."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, Service
from cozydiag.managers.service import State as Is
from cozydiag.model import FAILING, Report, Status
from cozydiag.repair import owners
from cozydiag.repair.health import Seen
from cozydiag.repair.ledger import Ledger
from cozydiag.repair.moments import Moment
from cozydiag.repair.plan import Action, Plan
from cozydiag.stack import Stack
from cozydiag.state import State

_NOT_WELL = FAILING | {Status.BLOCKED, Status.UNKNOWN, Status.ERROR}


def services(host: Host, stack: Stack, report: Report, plan: Plan, state: State) -> list[Seen]:
    """Those that play a role, those that are remembered, and those that are to be mended."""
    conditions = {one.service.address: one for one in owners.conditions(host, stack)}
    failing = {action.service.address for action in plan.actions}
    troubled = {cause.service for cause in report.causes if cause.severity is Status.FAIL} | failing
    roles = {result.role for result in report.results if result.status in _NOT_WELL and result.role}
    known = {address for address, one in conditions.items() if one.role} | set(state.services()) | failing
    found = []
    for address in sorted(known):
        one = conditions.get(address)
        role = one.role if one is not None else None
        runs = one is None or bool(one.pids) or one.since is None or one.state is Is.RUNNING
        well = address not in troubled and role not in roles and runs
        age = max(0.0, host.clock.now() - one.since) if one is not None and one.since and one.pids else 0.0
        found.append(Seen(address, _life(host, one), well, address in failing, age))
    return found


def since(host: Host, stack: Stack, ledger: Ledger, action: Action, report: Report) -> float:
    """When it began to fail, in epoch seconds, as far as that is known: when it ended, when an earlier run saw it,
    else when this one did."""
    found = owners.condition(host.within(10.0, "repair"), stack, action.service)
    if found is not None and found.since and not found.pids:
        return min(found.since, report.started_at)
    seen = Moment.read(ledger.state.service(action.service.address).get("failing"))
    earlier = ledger.clock.now() - seen.age(ledger.clock) if seen is not None else report.started_at
    return min(earlier, report.started_at)


def restarts(host: Host, stack: Stack, service: Service) -> int | None:
    """Its manager's own counter; None where it keeps none."""
    found = next((one for one in owners.conditions(host, stack) if one.service.address == service.address), None)
    return found.restarts if found is not None else None


def _life(host: Host, found: Condition | None) -> str:
    """Its process, and when that was started in ticks since the boot: the wall clock may jump. The invocation of what
    runs without a main process."""
    if found is None or not found.pids:
        return found.invocation if found is not None and found.state is Is.RUNNING else ""
    pid = found.pids[0]
    content = host.read(f"/proc/{pid}/stat")
    fields = b"" if isinstance(content, Failure) else content[content.rfind(b")") + 1 :]
    words = fields.split()
    return f"{pid}@{words[19].decode('ascii', 'replace')}" if len(words) > 19 else str(pid)
