"""Runs checks: each as soon as what it needs is known, side by side, nobody waiting for the hung.

Worker threads are daemons and are left behind when they hang: a pool would join them at exit
(measured: a check given up at 0.3 s kept a ThreadPoolExecutor process alive for 8 s).
"""

from __future__ import annotations

from _queue import Empty, SimpleQueue  # what queue gives out, without the module around it
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from os import cpu_count, getloadavg
from typing import Any

from cozydiag.engine.accept import SAYABLE, accepted
from cozydiag.engine.relate import Instance, Instances, blockers
from cozydiag.host import GivenUp, Host, Unasked
from cozydiag.host.logs import one_line
from cozydiag.model import Check, Evidence, Finding, Result, Status
from cozydiag.stack import Items, Stack
from cozydiag.text import Seconds, Text, t

WORKERS = 32
AT_FIRST = 8
"""So many work at once while they end: more would only wait for the interpreter."""
PACE = 0.02
"""Seconds in which none ends, after which twice as many work at once: they hang, or wait for somebody."""
GRACE = 0.2
"""Seconds that a check has, beyond its limit, to put its own time-out into words."""


_UNASKED = t("this was not collected")


class Task:
    """One piece of work on a thread: a check on a subject, or a source. Collects what came before a hang."""

    __slots__ = ("error", "findings", "host", "instance", "limit", "name", "started", "value")

    def __init__(self, name: str, instance: Instance | None, limit: float) -> None:
        self.name = name
        self.instance = instance
        self.limit = limit
        self.started = 0.0
        self.host: Host | None = None
        self.findings: list[Finding] = []
        self.value: Items | None = None
        self.error: BaseException | None = None


class Run:
    """One examination. ``progress`` is told of each result as it comes."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        host: Host,
        stack: Stack,
        progress: Callable[[Result], None] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        self.checks = checks
        self.host = host
        self.stack = stack
        self.progress = progress
        self.skip = tuple(pattern for pattern in skip if ":" in pattern)
        self.results: dict[str, Result] = {}
        self.instances = Instances()
        self._sources: dict[str, Items | None] = {}
        self._source_errors: dict[str, tuple[Status, Text | str]] = {}
        self._waiting: dict[str, int] = {}
        self._dependents: dict[str, list[Instance]] = {}
        self._ready: deque[Task] = deque()
        self._running: list[Task] = []
        self._grace = GRACE
        self._idle = 0
        self._at_once = AT_FIRST
        self._workers = 0
        self._work: SimpleQueue[Task | None] = SimpleQueue()
        self._ended: SimpleQueue[Task] = SimpleQueue()

    def run(self) -> list[Result]:
        """All results in the order of the checks. Never raises for what a check does, never outlives the deadline."""
        self._expand()
        while self._ready or self._running:
            if self.host.deadline.remaining() <= 0:
                break
            self._start()
            self._collect()
        self._dismiss()
        self._out_of_time()
        return [self.results[i.name] for name in self.checks for i in self.instances.of(name)]

    # -- instances -----------------------------------------------------------------------------------

    def _expand(self) -> None:
        """Make the instances of all checks whose source and whose needs are expanded."""
        for check in self.checks.values():
            if check.id in self.instances or not all(n in self.instances for n in check.needs if n in self.checks):
                continue
            if check.each is None:
                self._add(check, [Instance(check, None, None)])
            elif check.each not in self._sources:
                self._sources[check.each] = None
                self._ready.append(Task(check.each, None, self.stack.time_of(check.each)))
            elif (items := self._sources[check.each]) is not None:
                self._from_source(check, items)

    def _from_source(self, check: Check, items: Items) -> None:
        """An instance per item; for an empty, a broken or a partly blind source a result that says so."""
        instances = []
        seen: dict[str, int] = {}
        for item in items.items:
            subject = one_line(item.subject)
            seen[subject] = seen.get(subject, 0) + 1
            name = subject if seen[subject] == 1 else f"{subject}#{seen[subject]}"  # two sites of one name, say
            instances.append(Instance(check, name, item))
        self._add(check, [instance for instance in instances if not self._skipped(instance)])
        if check.each in self._source_errors:
            status, why = self._source_errors[check.each]
            text = t("what it should look at could not be listed: {why}", why=why)
            self._settle(check, status, (Finding(status, "check.source", text),))
        elif items.gaps:
            self._settle(check, Status.UNKNOWN, items.gaps)
        elif not items.items:
            self._settle(check, Status.SKIP, (Finding(Status.SKIP, "", t("there is none here")),))

    def _skipped(self, instance: Instance) -> bool:
        if not self.skip:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(instance.name, pattern) for pattern in self.skip)

    def _settle(self, check: Check, status: Status, findings: tuple[Finding, ...]) -> None:
        """A result that needs no run."""
        instance = Instance(check, None, None)
        self.instances.add(check.id, instance)
        self._finish(instance, status, findings)

    def _add(self, check: Check, instances: list[Instance]) -> None:
        self.instances.add(check.id, *instances)
        for instance in instances:
            needed = {
                n.name for need in check.needs if need in self.checks for n in self.instances.related(instance, need)
            }
            open_needs = [name for name in needed if name not in self.results]
            self._waiting[instance.name] = len(open_needs)
            for name in open_needs:
                self._dependents.setdefault(name, []).append(instance)
            if not open_needs:
                self._decide(instance)

    def _decide(self, instance: Instance) -> None:
        """All it needs is known: run it, or say what blocks it."""
        blocked_by = blockers(instance, self.checks, self.instances, self.results)
        if blocked_by:
            self._finish(instance, Status.BLOCKED, (), blocked_by=blocked_by)
        else:
            timing = self.stack.config.timing
            patient = getattr(instance.item, "patient", False) or self.stack.is_far(instance.check.role)
            usual = timing.remote if patient else timing.local
            limit = instance.check.timeout or usual
            self._ready.append(Task(instance.name, instance, limit))

    # -- threads -------------------------------------------------------------------------------------

    def _start(self) -> None:
        while self._ready and len(self._running) < self._at_once:
            task = self._ready.popleft()
            task.started = self.host.clock.monotonic()
            task.host = self.host.within(min(task.limit, self.host.deadline.remaining()), task.name)
            self._running.append(task)
            if self._idle:
                self._idle -= 1
            else:
                self._workers += 1
                start_new_thread(self._worker, ())  # threading.Thread would wait for each to have begun
            self._work.put(task)

    def _worker(self) -> None:
        while (task := self._work.get()) is not None:
            try:
                self._execute(task)
            except BaseException as error:  # noqa: BLE001  SystemExit from a check must not end the thread unseen
                task.error = error
            self._ended.put(task)

    def _dismiss(self) -> None:
        """No thread outlives the run but the hung, and those end when they are free: a watch looks for days."""
        for _ in range(self._workers):
            self._work.put(None)

    def _execute(self, task: Task) -> None:
        assert task.host is not None  # noqa: S101  set before the task is handed over
        if task.instance is None:
            task.value = self.stack.source(task.name)(task.host)
            return
        check, item = task.instance.check, task.instance.item
        arguments: list[Any] = [task.host, self.stack]
        if check.each is not None:
            arguments.append(item)
        if check.options is not None:
            from cozydiag.config.check_options import options

            arguments.append(options(self.stack.config, check.id, check.options))
        for finding in check.function(*arguments):
            task.findings.append(accepted(finding))

    def _collect(self) -> None:
        """Take what has ended; give up what has not ended in time."""
        now = self.host.clock.monotonic()
        ends = [task.started + task.limit + self._grace for task in self._running]
        wait = max(0.0, min([*ends, now + self.host.deadline.remaining()]) - now)
        crowded = bool(self._ready) and self._at_once < WORKERS
        try:
            self._took(self._ended.get(timeout=min(wait, PACE) if crowded else wait))
        except Empty:
            self._at_once = min(WORKERS, self._at_once * 2) if crowded else self._at_once
        while not self._ended.empty():
            self._took(self._ended.get())
        now = self.host.clock.monotonic()
        if self._late(now):
            self._grace = max(self._grace, _patience())
        for task in self._late(now):
            self._give_up(task)

    def _late(self, now: float) -> list[Task]:
        return [task for task in self._running if now >= task.started + task.limit + self._grace]

    def _took(self, task: Task) -> None:
        self._idle += 1  # also the worker of a task that was given up is free again
        if task not in self._running:
            return
        self._running.remove(task)
        if task.instance is None:
            self._source_ended(task)
        else:
            self._check_ended(task, task.instance)

    def _source_ended(self, task: Task) -> None:
        self._sources[task.name] = task.value or Items()
        if task.error is not None:
            unasked = isinstance(task.error, Unasked)
            status, why = (Status.UNKNOWN, _UNASKED) if unasked else (Status.ERROR, _sentence(task.error))
            self._source_errors[task.name] = (status, why)
        self._expand()

    def _check_ended(self, task: Task, instance: Instance) -> None:
        findings = tuple(task.findings)
        if isinstance(task.error, Unasked):
            finding = Finding(Status.UNKNOWN, "collected.unasked", _UNASKED, instance.role)
            self._finish(instance, _worst((*findings, finding)), (*findings, finding), task)
        elif isinstance(task.error, GivenUp):
            self._finish(instance, Status.BLOCKED, findings, task, blocked_by=tuple(task.error.instances))
        elif task.error is not None:
            text = t("the check itself is broken: {why}", why=_sentence(task.error))
            self._finish(instance, Status.ERROR, (*findings, Finding(Status.ERROR, "check.error", text)), task)
        elif not findings:
            text = t("the check itself is broken: {why}", why="it said nothing")
            self._finish(instance, Status.ERROR, (Finding(Status.ERROR, "check.error", text),), task)
        else:
            self._finish(instance, _worst(findings), findings, task)

    def _give_up(self, task: Task) -> None:
        """Leave the thread behind; keep what it found so far."""
        self._running.remove(task)
        text = t("no answer within {limit}", limit=Seconds(task.limit))
        if task.instance is None:
            self._sources[task.name] = Items()
            self._source_errors[task.name] = (Status.TIMEOUT, text)
            self._expand()
            return
        finding = Finding(Status.TIMEOUT, "check.timeout", text, task.instance.role)
        self._finish(task.instance, Status.TIMEOUT, (*task.findings, finding), task)

    def _finish(
        self,
        instance: Instance,
        status: Status,
        findings: tuple[Finding, ...],
        task: Task | None = None,
        blocked_by: tuple[str, ...] = (),
    ) -> None:
        check = instance.check
        seconds = self.host.clock.monotonic() - task.started if task is not None else 0.0
        evidence: tuple[Evidence, ...] = tuple(task.host.evidence) if task is not None and task.host else ()
        result = Result(
            check.id, instance.subject, check.title, status, findings, evidence, blocked_by, (), seconds,
            check.essential, instance.role,
        )  # fmt: skip
        self.results[instance.name] = result
        if self.progress is not None:
            self.progress(result)
        for dependent in self._dependents.pop(instance.name, ()):
            self._waiting[dependent.name] -= 1
            if self._waiting[dependent.name] == 0:
                self._decide(dependent)

    def _out_of_time(self) -> None:
        """The run's deadline has passed: what is not done by now could not be looked at. That the time was short
        proves nothing against a check that had not had its own in full."""
        text = t("not looked at: the time for the whole run was over")
        finding = Finding(Status.UNKNOWN, "run.deadline", text)
        running = {task.instance.name: task for task in self._running if task.instance is not None}
        for check in self.checks.values():
            if check.id not in self.instances:
                self.instances.add(check.id, Instance(check, None, None))
            for instance in self.instances.of(check.id):
                if instance.name not in self.results:
                    task = running.get(instance.name)
                    findings = (*task.findings, finding) if task is not None else (finding,)
                    self._finish(instance, _worst(findings), findings, task)


def _patience() -> float:
    """Seconds: GRACE, and on a machine with more to do than it can (where things break, that is usual) so much longer,
    up to ten times: a check whose time is over must still get to say what it saw."""
    return GRACE * max(1.0, min(10.0, getloadavg()[0] / (cpu_count() or 1)))


def _worst(findings: Sequence[Finding]) -> Status:
    statuses = {finding.status for finding in findings}
    return next(status for status in SAYABLE if status in statuses)


def _sentence(error: BaseException) -> str:
    words = one_line(f"{type(error).__name__}: {error}")
    return words if len(words) <= 300 else words[:299] + "…"
