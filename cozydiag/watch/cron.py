"""One run for a timer: look, remember, tell."""

import os
from typing import NamedTuple

from cozydiag.config import Config
from cozydiag.engine.examine import Wish, examine
from cozydiag.host import Host, World
from cozydiag.host.clock import Clock
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.model import Report
from cozydiag.report.counted import CODES
from cozydiag.state import Entry, State
from cozydiag.text import Text, t
from cozydiag.watch import history, ignored, surroundings, trends
from cozydiag.watch.acts import told
from cozydiag.watch.channels import Heartbeat, Message, channels
from cozydiag.watch.round import Round, Say, Told, subject

_FAILING = "notify.failing"


class Heard(NamedTuple):
    """What was seen, and what was told of it, if anything."""

    report: Report
    message: Message | None


def run(config: Config, state: State, clock: Clock, deadline: float, say: Say) -> Heard:
    """Look at everything once, and tell what is new. Raises nothing for what it sees, nor for who does not listen."""
    heartbeat = Heartbeat(config.notify, clock)
    heartbeat.start()
    report = examine(config, Wish(deadline=deadline))
    return heard(config, state, clock, report, say, heartbeat)


def heard(config: Config, state: State, clock: Clock, report: Report, say: Say, heartbeat: Heartbeat) -> Heard:
    """What follows from a report: it is remembered, then told, then remembered as told."""
    known = ignored.load(state)
    report = ignored.apply(report, known)
    ignored.note(state, report, known)
    _record(config, state, clock, report)
    message, failing = _tell(config, state, clock, report, say)
    words = message.body if message is not None else say(_summary(report))
    failing |= heartbeat.end(CODES[report.verdict], words, report.seconds)
    if message is not None and CODES[report.verdict] < 2:
        heartbeat.log(f"{message.subject}\n\n{message.body}")
    if config.notify.prometheus:
        failing["prometheus"] = _textfile(config.notify.prometheus, report)
    _remember_channels(state, failing)
    return Heard(report, message)


def _record(config: Config, state: State, clock: Clock, report: Report) -> None:
    host = Host(World(clock), config.timing.local)
    history.record(state, report, surroundings.look(host, config), clock.boot_id())
    trends.sample(state, report)
    history.tidy(state, report.started_at)


def _tell(
    config: Config, state: State, clock: Clock, report: Report, say: Say
) -> tuple[Message | None, dict[str, Failure | None]]:
    this = Round(state, clock, say, config.notify.remind)
    news = this.look(report, _failed_before(state))
    acts = this.acts()
    kept = this.save()
    if (not news and not acts) or _maintained(state, clock):
        return None, {}
    message = _message(config, state, report, say, news, acts)
    outcomes = {name: send(message) for name, send in channels(config.notify, clock)}
    if not outcomes or None in outcomes.values() or not kept:
        this.told(news, acts)
    return message, outcomes


def _message(config: Config, state: State, report: Report, say: Say, news: list[Told], acts: list[Entry]) -> Message:
    from cozydiag.watch.story import story

    lines = [one.words for one in news]
    if acts:
        lines += ["", say(t("Repairs:")), *(f"    {say(line)}" for one in acts for line in told(one))]
    background = story(Host(World(), config.timing.local), state, report)
    if background and report.causes:
        lines += ["", *map(say, background)]
    lines += [say(note) for note in state.notes]
    lines += ["", say(t("`cozydiag status` shows all of it."))]
    level = max((one.news.level for one in news), default=0)
    return Message(say(subject(report, news, os.uname().nodename)), "\n".join(lines) + "\n", level)


def _maintained(state: State, clock: Clock) -> bool:
    """Whoever works on the server knows that it is down; what is still so afterwards is told then."""
    from cozydiag.repair import maintenance

    return maintenance.current(state, clock) is not None


def _failed_before(state: State) -> dict[str, Failure]:
    found = state.get(_FAILING, {})
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name): Failure(*map(str, one)) for name, one in pairs if isinstance(one, list) and len(one) == 2}


def _remember_channels(state: State, outcomes: dict[str, Failure | None]) -> None:
    """Those that were tried now; of the others nothing new is known."""
    before = _failed_before(state)
    after = {name: one for name, one in {**before, **outcomes}.items() if one is not None}
    if after != before:
        state.set(_FAILING, {name: list(one) for name, one in after.items()})


def _summary(report: Report) -> Text:
    from cozydiag.report.words import headline

    return headline(report)


def _textfile(path: str, report: Report) -> Failure | None:
    """For node_exporter, whole or not at all, and readable by it whatever the umask (its README)."""
    from cozydiag.report.prometheus import prometheus

    new = f"{path}.{os.getpid()}"  # it must not end in .prom
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(prometheus(report))
            os.fchmod(file.fileno(), 0o644)
        os.replace(new, path)
    except OSError as error:
        if os.path.lexists(new):
            os.unlink(new)
        return from_os_error(error)
    return None
