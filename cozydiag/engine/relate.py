"""Which instances of one check bear on an instance of another."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cozydiag.model import FAILING, Check, Result, Status


class Instance(NamedTuple):
    """A check on one subject; ``item`` is what its source gave."""

    check: Check
    subject: str | None
    item: Any

    @property
    def name(self) -> str:
        return self.check.id if self.subject is None else f"{self.check.id}:{self.subject}"

    @property
    def role(self) -> str | None:
        """What is looked at: the item's own role, else the check's."""
        return getattr(self.item, "role", None) or self.check.role


class Instances:
    """The instances of each check whose items are known, in their order; and by subject and by role, so that a thousand
    sites are not compared with a thousand."""

    def __init__(self) -> None:
        self._of: dict[str, list[Instance]] = {}
        self._on: dict[tuple[str, str | None], list[Instance]] = {}
        self._playing: dict[tuple[str, str | None], list[Instance]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._of

    def add(self, name: str, *instances: Instance) -> None:
        """To those of check ``name``; there may be none."""
        self._of.setdefault(name, []).extend(instances)
        for one in instances:
            self._on.setdefault((name, one.subject), []).append(one)
            self._playing.setdefault((name, one.role), []).append(one)

    def of(self, name: str) -> Sequence[Instance]:
        return self._of.get(name, ())

    def related(self, instance: Instance, name: str) -> Sequence[Instance]:
        """The instances of check ``name`` that ``instance`` depends on.

        Same source: the same subject. Different sources: where both play the same role. Else: all.
        """
        others = self.of(name)
        own, theirs = instance.check.each, others[0].check.each if others else None
        if own is None or theirs is None:
            return others
        if own != theirs:
            return self._playing.get((name, instance.role), ()) if instance.role is not None else ()
        whole = self._on.get((name, None), ())
        return whole if instance.subject is None else (*self._on.get((name, instance.subject), ()), *whole)


_STOPS = FAILING | {Status.BLOCKED}


def blockers(
    instance: Instance,
    checks: Mapping[str, Check],
    instances: Instances,
    results: Mapping[str, Result],
) -> tuple[str, ...]:
    """The instances that keep this one from being run. A plain check waits for any of many: it is blocked when
    all have failed."""
    found: list[str] = []
    for name in instance.check.needs:
        if name not in checks:
            continue
        others = instances.related(instance, name)
        stopped = [other.name for other in others if results[other.name].status in _STOPS]
        many = instance.check.each is None and checks[name].each is not None
        if stopped and (not many or len(stopped) == len(others)):
            found += stopped
    return tuple(found)
