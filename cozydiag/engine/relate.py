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


def related(instance: Instance, name: str, instances: Mapping[str, Sequence[Instance]]) -> list[Instance]:
    """The instances of check ``name`` that ``instance`` depends on.

    Same source: the same subject. Different sources: where both play the same role. Else: all.
    """
    others = instances.get(name, ())
    if instance.check.each is None:
        return list(others)
    kept = []
    for other in others:
        if other.check.each == instance.check.each:
            if other.subject is None or other.subject == instance.subject:
                kept.append(other)
        elif other.check.each is None or (other.role is not None and other.role == instance.role):
            kept.append(other)
    return kept


_STOPS = FAILING | {Status.BLOCKED}


def blockers(
    instance: Instance,
    checks: Mapping[str, Check],
    instances: Mapping[str, Sequence[Instance]],
    results: Mapping[str, Result],
) -> tuple[str, ...]:
    """The instances that keep this one from being run. A plain check waits for any of many: it is blocked when
    all have failed."""
    found: list[str] = []
    for name in instance.check.needs:
        if name not in checks:
            continue
        others = related(instance, name, instances)
        stopped = [other.name for other in others if results[other.name].status in _STOPS]
        many = instance.check.each is None and checks[name].each is not None
        if stopped and (not many or len(stopped) == len(others)):
            found += stopped
    return tuple(found)
