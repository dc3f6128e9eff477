"""One examination from start to end: load, run, diagnose, and put it all into a Report."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cozydiag.config import Config
from cozydiag.couchdb import Reply, memory
from cozydiag.engine import registry
from cozydiag.engine.diagnosis import Diagnosis, verdict
from cozydiag.engine.run import Run
from cozydiag.host import Host, Unasked, World
from cozydiag.masking import Hides, masked
from cozydiag.model import FAILING, Cause, Report, Result, Status
from cozydiag.stack import CHAIN, Stack


class Wish(NamedTuple):
    """What to look at: globs on instances (`id` or `id:subject`), and the seconds for all of it. Of what was looked
    at, ``told`` is told of, and what explains it: ``only`` where it is empty."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    deadline: float = 20.0
    told: tuple[str, ...] = ()


def examine(config: Config, wish: Wish, progress: Callable[[Result], None] | None = None) -> Report:
    """Look at everything once; no secret is in what it gives. Raises ConfigError for wrong settings of checks,
    nothing for what it sees."""
    return look(config, wish, progress)[0]


def look(
    config: Config, wish: Wish, progress: Callable[[Result], None] | None = None, *, before: Stack | None = None,
    collected: Host | None = None,
) -> tuple[Report, Stack]:  # fmt: skip
    """The same, with the stack that was looked at, for those who go on with it. ``before`` is that of an earlier look
    of the same session: a login that was refused, then or in an earlier run, is not tried again. ``collected`` is
    another machine, of which there is only text: what is remembered of this one says nothing of that."""
    host = collected or Host(World(), wish.deadline)
    world = host.world
    stack = Stack(config)
    started_at, started = world.clock.now(), world.clock.monotonic()
    try:
        stack.settle(host.within(min(2.0, wish.deadline), "discovery"))
    except Unasked:
        pass  # too little was collected to find out what is there: every check that wants to know says so
    kept = memory.refusals(stack.config) if collected is None else {}
    stack.may_log_in = collected is not None or memory.may_try(config)
    stack.refusal = before.refusal if before is not None else None
    stack.refusal = stack.refusal or kept.get(memory.mark(stack.config))
    stack.refusals = {**kept, **(before.refusals if before is not None else {})}
    loaded = registry.load(config.drop_ins)
    if config.checks:
        from cozydiag.config.check_options import verify

        verify(config, [(check.id, check.options) for check in loaded.checks.values()])
    checks = registry.pick(loaded.checks, wish.only, wish.skip)
    seen = Run(checks, host, stack, progress, skip=wish.skip).run()
    if collected is None:
        _remember(stack, kept)
    diagnosis = Diagnosis(checks, [*seen, *loaded.errors], stack.services())
    results, causes = _told(diagnosis, wish)
    marks = chain(results, causes)
    report = Report(
        verdict(results, causes), causes, results, marks, os.uname().nodename, started_at,
        world.clock.monotonic() - started, host.euid() == 0, stack.second_look,
        front=_front(stack, host) if dict(marks)["proxy"] != "absent" else "",
    )  # fmt: skip
    return masked(report, _masks(report, stack)), stack


def _remember(stack: Stack, kept: Mapping[memory.Mark, Reply]) -> None:
    """The logins that were refused just now, for the next run."""
    own = memory.mark(stack.config)
    if stack.refusal is not None and own not in kept:
        memory.remember(stack.config, stack.refusal, own)
    for of in stack.refusals.keys() - kept.keys():
        memory.remember(stack.config, stack.refusals[of], of)


def _told(diagnosis: Diagnosis, wish: Wish) -> tuple[tuple[Result, ...], tuple[Cause, ...]]:
    """What was asked for, and the causes of it."""
    told = wish.told or wish.only
    causes = tuple(cause for cause in diagnosis.causes if _asked_for(told, cause.instance, *cause.explains))
    causal = {cause.instance for cause in causes}
    return tuple(r for r in diagnosis.results if r.instance in causal or _asked_for(told, r.instance)), causes


def _masks(report: Report, stack: Stack) -> Hides:
    """Where something is wrong, lines of logs are shown, and they can tell anybody's secrets."""
    if report.verdict is Status.OK:
        return stack.masks()
    from cozydiag.redaction.lines import Strict

    return Strict(stack.masks())


def _asked_for(only: tuple[str, ...], *instances: str) -> bool:
    """Whether one of these was asked for. What it needs ran silently, and is shown where it is the cause of it."""
    if not only:
        return True
    from fnmatch import fnmatchcase

    names = [name for instance in instances for name in (instance, instance.partition(":")[0])]
    return any(fnmatchcase(name, pattern) for name in names for pattern in only)


def _front(stack: Stack, host: Host) -> str:
    """Whoever was looked at already: nothing is asked for it."""
    from cozydiag.proxies.protocol import NAMES
    from cozydiag.stack import fronts

    return ", ".join(NAMES[proxy.name] for proxy in fronts.in_use(stack, host))


def chain(results: Sequence[Result], causes: Sequence[Cause]) -> tuple[tuple[str, str], ...]:
    """For each role on the way of a request: ok, broken (a cause is there), waiting (only explained), warn,
    unknown, absent."""
    broken = {cause.role for cause in causes if cause.severity is Status.FAIL}
    warned = {cause.role for cause in causes if cause.severity is Status.WARN}
    marks = []
    for role in CHAIN:
        statuses = {result.status for result in results if result.role == role}
        if role in broken:
            mark = "broken"
        elif statuses & FAILING or Status.BLOCKED in statuses:
            mark = "waiting"
        elif role in warned:
            mark = "warn"
        elif Status.OK in statuses:
            mark = "ok"
        else:
            mark = "unknown" if statuses & {Status.UNKNOWN, Status.ERROR} else "absent"
        marks.append((role, mark))
    return tuple(marks)
