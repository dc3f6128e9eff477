"""Host itself: evidence, shared limits, and what importing it costs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import cozydiag
from cozydiag.host import Clock, Deadline, Failure, GivenUp, Host, World, http, sockets
from cozydiag.host.http import Answer

LATE = Failure("timeout", "no answer in time")
PLACE = ("127.0.0.1", 9104)


def gone() -> Failure:
    return LATE


def there() -> str:
    return "there"


def ask(world: World, instance: str, action: Callable[[], str | Failure], seconds: float = 30.0) -> str | Failure:
    return world.ask(PLACE, instance, Deadline(world.clock, seconds), action)


def test_every_look_is_evidence_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Answer | Failure] = [Answer(200, "OK", (), b"", False), Failure("refused", "connection refused")]
    monkeypatch.setattr(http, "request", lambda *_, **__: answers.pop(0))
    (tmp_path / "log").write_text("first\n\x1b[31mlast\n")
    host = Host(World(), 30)
    host.get("http://me:secret@cozy.example.org/a?token=secret", headers=[("Authorization", "secret")])
    host.post("http://supervisor/RPC2", b"secret", unix="/run/supervisor.sock")
    host.tail(str(tmp_path / "log"))
    host.read(str(tmp_path / "nowhere"))
    host.run(["sh", "-c", "echo broken >&2; exit 2"])
    host.see("a\nb", "\x1b[2Jc")
    assert [(seen.source, seen.line) for seen in host.evidence] == [
        ("GET http://cozy.example.org/a?…", "HTTP 200 OK"),
        ("POST http://supervisor/RPC2 via /run/supervisor.sock", "connection refused"),
        (str(tmp_path / "log"), "last"),
        (str(tmp_path / "nowhere"), "no such file or directory"),
        ("sh -c echo broken >&2; exit 2", "exit 2: broken"),
        ("a b", "c"),
    ]


def test_polling_can_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "request", lambda *_, **__: LATE)
    host = Host(World(), 30)
    assert host.get("http://127.0.0.1/", record=False) == LATE
    assert host.evidence == []


def test_a_view_has_its_own_time_and_evidence_and_the_same_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "request", lambda *_, **__: LATE)
    host = Host(World(), 0)
    one, two, three = (host.within(30, name) for name in ("a:1", "a:2", "a:3"))
    assert host.deadline.remaining() == 0.0 < one.deadline.remaining()
    one.get("http://localhost:9104/")
    two.get("http://127.0.0.1:9104/")
    with pytest.raises(GivenUp) as caught:
        three.get("http://localhost:9104/")
    assert caught.value.instances == ("a:1", "a:2")
    assert three.get("http://127.0.0.1:9103/") == LATE
    assert (len(host.evidence), len(one.evidence)) == (0, 1)


def test_who_timed_out_may_try_again() -> None:
    world = World()
    ask(world, "a", gone)
    ask(world, "b", gone)
    assert ask(world, "a", there) == "there"
    with pytest.raises(GivenUp):
        ask(world, "c", there)


def test_other_failures_are_no_time_out() -> None:
    world = World()
    for _ in range(3):
        ask(world, "a", lambda: Failure("refused", "connection refused"))
    assert ask(world, "b", there) == "there"


def in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_eight_in_flight_and_no_more() -> None:
    world = World()
    together = threading.Barrier(8, timeout=20)
    lock = threading.Lock()
    flying: list[int] = []
    most: list[int] = []

    def action() -> str:
        with lock:
            flying.append(1)
            most.append(len(flying))
        together.wait()  # broken, were there fewer than eight
        with lock:
            flying.pop()
        return "there"

    in_threads(16, lambda number: most.append(0) if ask(world, str(number), action) == "there" else None)
    assert max(most) == 8
    assert most.count(0) == 16


def test_one_at_a_time_where_that_is_asked() -> None:
    world = World()
    world.limit(PLACE, 1)
    flying: list[int] = []
    most: list[int] = []

    def action() -> str:
        flying.append(1)
        most.append(len(flying))
        threading.Event().wait(0.005)
        flying.pop()
        return "there"

    in_threads(6, lambda number: most.append(ask(world, str(number), action) == "there"))
    assert max(most) == 1
    assert len(most) == 12


def waiting_behind(outcome: str | Failure) -> tuple[str, object]:
    """What an instance gets whose time ends while the only turn is taken by a request with that outcome."""
    world = World()
    world.limit(PLACE, 1)
    taken, release = threading.Event(), threading.Event()

    def slow() -> str | Failure:
        taken.set()
        release.wait(20)
        return outcome

    first = threading.Thread(target=ask, args=(world, "first", slow))
    first.start()
    assert taken.wait(20)
    got: list[tuple[str, object]] = []

    def second() -> None:
        try:
            got.append(("value", ask(world, "second", there, 0.15)))
        except GivenUp as given_up:
            got.append(("given up", given_up.instances))

    thread = threading.Thread(target=second)
    thread.start()
    if isinstance(outcome, Failure):
        threading.Event().wait(0.1)
        release.set()
    thread.join(20)
    release.set()
    first.join(20)
    return got[0]


def test_waiting_in_vain_behind_a_time_out_is_blocked_by_it() -> None:
    assert waiting_behind(LATE) == ("given up", ("first",))


def test_waiting_in_vain_behind_slow_work_is_nobodys_fault() -> None:
    how, value = waiting_behind("slow")
    assert how == "value"
    assert isinstance(value, Failure)
    assert value.kind == "given_up"


def test_a_broken_action_gives_its_turn_back() -> None:
    world = World()
    world.limit(PLACE, 1)

    def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(world, "a", broken)
    assert ask(world, "b", there, 5) == "there"


def test_a_false_clock_is_enough() -> None:
    class Still(Clock):
        at = 100.0

        def monotonic(self) -> float:
            return self.at

    clock = Still()
    deadline = Deadline(clock, 5)
    clock.at = 103.0
    assert deadline.remaining() == 2.0
    clock.at = 200.0
    assert deadline.remaining() == 0.0


def test_the_boot_has_a_name() -> None:
    assert Clock().boot_id() == Clock().boot_id() != ""


def test_importing_host_stays_cheap() -> None:
    root = Path(cozydiag.__file__).parent.parent
    dear = "ssl requests subprocess http.client urllib.parse email asyncio logging pathlib json psutil pydantic rich"
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import cozydiag.host;"
        f"print([name for name in {dear.split()!r} if name in sys.modules])"
    )
    # -S: what an installed .pth file imports is not ours.
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_kernel_tells_the_same_listeners_in_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("::1", 0), family=socket.AF_INET6) as two:
        ports = {server.getsockname()[1] for server in (one, two)}
        try:
            asked = [found for family in (socket.AF_INET, socket.AF_INET6) for found in sockets._diagnosed(family)]
        except OSError:
            pytest.skip("netlink is closed here")
        listed = sockets._listed()
        assert {found for found in asked if found.port in ports} == {found for found in listed if found.port in ports}
        assert {found.port for found in sockets.listeners()} >= ports
