"""A machine that exists only as tables: what answers where, which files there are, who runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Union

from cozydiag.host import Answer, Clock, Disk, Failure, Memory, Process, Shown, World
from cozydiag.host.commands import Completed
from cozydiag.host.processes import Descriptors
from cozydiag.host.smtp import Greeted

REFUSED: Final = Failure("refused", "connection refused")
MISSING: Final = Failure("missing", "no such file or directory")
HANGS: Final = Failure("timeout", "connected, but no answer in time")
"""Takes the connection and never answers: whoever asks waits, on the false clock, until its deadline."""


class Request(NamedTuple):
    """One request as a server gets it. ``place`` is `127.0.0.1:5984` or the path of a socket file."""

    method: str
    place: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name in any case, "" when absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


Served = Union[Answer, Failure, Callable[[Request], Union[Answer, Failure]]]
"""What comes back: always the same, or worked out from the request."""


class FakeClock(Clock):
    """Time that passes only when somebody sleeps or waits."""

    def __init__(self, now: float = 1_795_248_737.0) -> None:
        self.passed = 0.0
        self._began = now

    def now(self) -> float:
        return self._began + self.passed

    def monotonic(self) -> float:
        return self.passed

    def boot_id(self) -> str:
        return "00000000-0000-0000-0000-000000000000"

    def synchronised(self) -> bool:
        return False

    def sleep(self, seconds: float) -> None:
        self.passed += max(0.0, seconds)

    def until(self, moment: float) -> None:
        """Forward to ``moment`` of the monotonic time; two who wait for the same moment wait once."""
        self.passed = max(self.passed, moment)


Ran = Union[Completed, Failure, Callable[[Sequence[str]], Union[Completed, Failure]]]
"""What a program does: always the same, or worked out from its arguments."""


@dataclass
class Machine:
    """What stands in no table is not there: a connection is refused, a file is missing, a program not installed.

    ``web`` is keyed by where the connection goes: `127.0.0.1:5984/_up`, or `127.0.0.1:5984` for all paths there;
    ``sockets`` by socket file; ``elsewhere`` serves every other place. ``files`` holds contents by path and
    ``other_files`` all the rest, ``modes`` mode, owner and time of change where these matter; below the folder ``real``
    the true files are looked at. ``names`` has the addresses of names, ``addresses`` those of the machine itself,
    ``certificates`` what is shown over TLS, keyed by place.
    ``mail`` is what a mail server says to those who greet it.
    ``listening`` has the number of the process behind a port, 0 where it may not be seen. ``commands`` is keyed by the
    program's name. ``requests`` fills with what was asked.
    """

    web: Mapping[str, Served] = field(default_factory=dict)
    sockets: Mapping[str, Served] = field(default_factory=dict)
    elsewhere: Served = REFUSED
    files: Mapping[str, bytes | Failure] = field(default_factory=dict)
    other_files: bytes | Failure = MISSING
    modes: Mapping[str, tuple[int, int, float]] = field(default_factory=dict)
    real: str | None = None
    names: Mapping[str, Sequence[str] | Failure] = field(default_factory=dict)
    addresses: Collection[str] = ("127.0.0.1", "::1")
    certificates: Mapping[str, Shown | Failure] = field(default_factory=dict)
    mail: Mapping[str, Greeted | Failure] = field(default_factory=dict)
    listening: Mapping[int, int] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    commands: Mapping[str, Ran] = field(default_factory=dict)
    disks: Mapping[str, Disk | Failure] = field(default_factory=dict)
    other_disks: Disk | Failure = MISSING
    memory: Memory | Failure = MISSING
    descriptors: Mapping[int, Descriptors] = field(default_factory=dict)
    uid: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    requests: list[Request] = field(default_factory=list)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.clock)

    def serve(self, request: Request) -> Answer | Failure:
        """What the server at ``request.place`` gives back."""
        self.requests.append(request)
        served = self.sockets.get(request.place)
        served = served or self.web.get(request.place + request.target) or self.web.get(request.place, self.elsewhere)
        return served if isinstance(served, (Answer, Failure)) else served(request)

    def takes_connections(self, address: str, port: int) -> Failure | None:
        """None where somebody listens, and the failure where nobody does."""
        place = f"{address}:{port}"
        if port in self.listening or any(key.startswith(f"{place}/") for key in self.web):
            return None
        served = self.web.get(place, self.elsewhere)
        away = isinstance(served, Failure) and served.kind in ("refused", "unreachable", "name")
        return served if isinstance(served, Failure) and away else None

    def shown(self, place: str) -> Shown | Failure:
        """What is shown at ``place`` over TLS."""
        served = self.certificates.get(place) or self.web.get(place, self.elsewhere)
        return served if isinstance(served, (Shown, Failure)) else Failure("protocol", "does not speak TLS")

    def file(self, path: str) -> bytes | Failure:
        return self.files.get(path, self.other_files)


def answer(status: int = 200, body: bytes | str = b"", *, reason: str = "", **headers: str) -> Answer:
    """An HTTP answer; underscores in the names of headers become hyphens."""
    content = body.encode() if isinstance(body, str) else body
    return Answer(status, reason, tuple((k.replace("_", "-"), v) for k, v in headers.items()), content, False)


def recorded(path: str) -> Answer | Failure:
    """An answer from a file as `curl -i` writes it; an empty file is a server that closes without a word."""
    with open(path, "rb") as file:
        content = file.read()
    if not content:
        return Failure("closed", "closed without an answer")
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    _, status, *reason = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return Answer(int(status), "".join(reason), tuple((k, v.strip()) for k, _, v in pairs), body, False)
