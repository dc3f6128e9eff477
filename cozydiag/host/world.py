"""What all views of the machine share: the clock, and how much one address is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, Union

from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure

Place = Union["tuple[str, int]", str]
"""An address and its port, or a socket file."""

Outcome = TypeVar("Outcome")

IN_FLIGHT = 8
PATIENCE = 2  # time-outs at one address until nobody else tries
LAST_WORD = 0.05  # seconds after its own end that an instance waits for those before it to have ended
TOO_LATE = 0.1  # seconds: who has no more left after waiting would only produce another time-out


class GivenUp(BaseException):
    """Others timed out there already, so this instance does not try: the engine says BLOCKED.

    Not an Exception, so that no check can swallow it. ``instances`` are those that timed out.
    """

    def __init__(self, instances: tuple[str, ...]) -> None:
        super().__init__(", ".join(instances))
        self.instances = instances


class Unasked(GivenUp):
    """Nobody asked when this machine was looked at, and nobody can ask now: it is known from collected text alone.
    The engine says UNKNOWN."""

    def __init__(self) -> None:
        super().__init__(())


class _Gate:
    """The requests at one address."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.limit = IN_FLIGHT
        self.in_flight = 0
        self.timed_out: list[str] = []


class World:
    """Shared by every view of one run; safe in threads."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._gates: dict[Place, _Gate] = {}
        self._lock = threading.Lock()

    def limit(self, place: Place, requests: int) -> None:
        """At most so many requests in flight there from now on (8 unless told)."""
        gate = self._gate(place)
        with gate.changed:
            gate.limit = requests
            gate.changed.notify_all()

    def ask(
        self, place: Place, instance: str, deadline: Deadline, action: Callable[[], Outcome | Failure]
    ) -> Outcome | Failure:
        """Does ``action`` when it is this instance's turn; raises GivenUp where trying is hopeless."""
        gate = self._gate(place)
        with gate.changed:
            if not _enter(gate, instance, deadline):
                return Failure("given_up", "other requests there took all the time")
        outcome: Outcome | Failure | None = None
        try:
            outcome = action()
            return outcome
        finally:
            with gate.changed:
                gate.in_flight -= 1
                if isinstance(outcome, Failure) and outcome.kind == "timeout":
                    gate.timed_out.append(instance)
                gate.changed.notify_all()

    def _gate(self, place: Place) -> _Gate:
        if isinstance(place, tuple) and place[0].lower() == "localhost":
            place = ("127.0.0.1", place[1])
        with self._lock:
            return self._gates.setdefault(place, _Gate())


def _enter(gate: _Gate, instance: str, deadline: Deadline) -> bool:
    """Waits for a turn; False when the time went in waiting. The gate is locked."""
    waited = asked_again = False
    while True:
        others = tuple(dict.fromkeys(gate.timed_out)) if instance not in gate.timed_out else ()
        late = waited and deadline.remaining() < TOO_LATE
        if others and (late or len(gate.timed_out) >= PATIENCE):
            raise GivenUp(others)
        if late and asked_again:
            return False
        if late:  # those in flight began at the same moment, and are about to say that they timed out
            asked_again = True
            gate.changed.wait(deadline.remaining() + LAST_WORD)
            continue
        if gate.in_flight < gate.limit:
            gate.in_flight += 1
            return True
        waited = True
        gate.changed.wait(deadline.remaining())
