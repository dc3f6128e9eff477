"""`cozydiag report`: everything for those who help, as plain ASCII-drawn text in sections whose order stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from cozydiag.host.failure import Failure
from cozydiag.managers.supervisord import RUNNING, Program
from cozydiag.model import Report
from cozydiag.report import tagged
from cozydiag.report.collect import Collected, Log
from cozydiag.report.guard import Guard, harmless
from cozydiag.report.plain import Say, speaker
from cozydiag.report.seal import seal
from cozydiag.report.sections import LIMIT, Section, fitted
from cozydiag.text import Bytes, Percent, Seconds, Text, plural, t
from cozydiag.text.catalogue import Catalogue


def full(report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, guard: Guard | None) -> str:
    """The whole text; ``head`` are the lines at its top. Nothing is redacted without a ``guard``.

    Raises LeakError where a secret is left in it.
    """
    say = speaker(catalogue)
    sections = seal(fitted(redacted(report, collected, head, catalogue, guard), say, LIMIT))
    if guard is not None:
        guard.check(sections)
    return "\n".join(map(str, sections))


def redacted(
    report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, guard: Guard | None
) -> list[Section]:
    """All sections, as they may be shown, with one about what was hidden."""
    say = speaker(catalogue)
    sections = list(_sections(report, collected, head, catalogue))
    if guard is None:
        return [Section(harmless(one.heading), list(map(harmless, one.lines)), one.log) for one in sections]
    shown = guard.sections(sections, say)
    return [*shown, Section(say(t("Hidden")), list(map(say, hidden(guard.redactor.counts()))))]


def hidden(counts: Mapping[str, int]) -> list[Text]:
    """How many different things of each kind have a stand-in."""
    found = [KINDS[kind](n) for kind, n in counts.items()]
    return found or [t("Nothing had to be hidden.")]


def _sections(report: Report, collected: Collected, head: list[Text], catalogue: Catalogue) -> Iterator[Section]:
    say = speaker(catalogue)
    yield Section("cozydiag report", list(map(say, head)))
    yield Section(say(t("Verdict")), list(tagged.verdict(report, say, catalogue)))
    yield Section(say(t("Results")), list(tagged.results(report, say)))
    yield Section(say(t("Services")), list(map(say, _services(collected))))
    yield Section(say(t("Versions")), list(map(say, _versions(collected))))
    yield Section(say(t("Machine")), list(map(say, _machine(collected))))
    yield from (_log(log, say) for log in collected.logs)
    if collected.unread:
        left = plural("The logs of {n} program were left out.", "The logs of {n} programs were left out.",
                      n=collected.unread)  # fmt: skip
        yield Section(say(t("Other logs")), [say(left)])


KINDS: Mapping[str, Callable[[int], Text]] = {
    "secret": lambda n: plural("{n} secret", "{n} secrets", n=n),
    "token": lambda n: plural("{n} token", "{n} tokens", n=n),
    "cookie": lambda n: plural("{n} cookie", "{n} cookies", n=n),
    "hash": lambda n: plural("{n} hash of a password", "{n} hashes of passwords", n=n),
    "private-key": lambda n: plural("a private key", "private keys", n=n),
    "domain": lambda n: plural("{n} domain", "{n} domains", n=n),
    "name": lambda n: plural("{n} name under a domain", "{n} names under domains", n=n),
    "host": lambda n: plural("{n} name of a machine", "{n} names of machines", n=n),
    "user": lambda n: plural("{n} user", "{n} users", n=n),
    "mail": lambda n: plural("{n} mail address", "{n} mail addresses", n=n),
    "ip": lambda n: plural("{n} public IP address", "{n} public IP addresses", n=n),
    "mac": lambda n: plural("{n} hardware address", "{n} hardware addresses", n=n),
}
"""What a stand-in stands for, by its kind."""


def heading_lines(
    report: Report, version: str, called: str, user: str, unlock: str, *, redaction: str = "full"
) -> list[Text]:
    """Who looked at what, when and how. ``unlock`` is the line that shows more, "" for root; ``redaction`` is `full`,
    `secrets` (names stay) or `none`."""
    when = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(report.started_at))
    lines = [
        t("cozydiag {version} on {host}, {when}", version=version, host=report.host, when=when),
        t("Called as {command}, by {user}", command=called, user=user),
        t("The checks took {seconds}.", seconds=Seconds(report.seconds)),
        REDACTIONS[redaction],
    ]
    if report.second_look:
        lines.append(t("Looked twice at what had just started."))
    if unlock:
        lines.append(t("Without root not everything can be seen. More: {command}", command=unlock))
    return lines


REDACTIONS: Mapping[str, Text] = {
    "full": t("Redaction: secrets, names and addresses have stand-ins. Read this before you pass it on all the same."),
    "secrets": t("Redaction: secrets have stand-ins, names and addresses stay. Read this before you pass it on."),
    "none": t("Redaction: NONE. Passwords and keys can be in this: do not post it."),
}


def _services(collected: Collected) -> Iterator[Text]:
    if isinstance(collected.programs, Failure):
        yield _missing("supervisord", collected.programs)
    else:
        yield from map(_service, collected.programs)


def _service(program: Program) -> Text:
    name = f"{program.name} [{program.role}]" if program.role else program.name
    if program.state == RUNNING:
        return t("{name}: {state}, PID {pid}, for {age}",
                 name=name, state=program.statename, pid=program.pid, age=Seconds(program.age))  # fmt: skip
    state = f"{program.statename} {program.spawnerr}".strip()
    if program.exitstatus > 0:
        return t("{name}: {state}, last exit status {status}", name=name, state=state, status=program.exitstatus)
    return t("{name}: {value}", name=name, value=state)


def _versions(collected: Collected) -> Iterator[Text]:
    for name, value in collected.versions:
        yield _missing(name, value) if isinstance(value, Failure) else t("{name}: {value}", name=name, value=value)


def _machine(collected: Collected) -> Iterator[Text]:
    memory, load, up = collected.memory, collected.load, collected.up
    if isinstance(memory, Failure):
        yield _missing(t("memory"), memory)
    else:
        yield t("memory: {free} of {total} available, swap: {swap} of {swap_total} free",
                free=Bytes(memory.available), total=Bytes(memory.total),
                swap=Bytes(memory.swap_free), swap_total=Bytes(memory.swap_total))  # fmt: skip
    yield _missing(t("load"), load) if isinstance(load, Failure) else t("load: {load}", load=load)
    yield _missing(t("uptime"), up) if isinstance(up, Failure) else t("up for {age}", age=Seconds(up))
    yield from _disks(collected)


def _disks(collected: Collected) -> Iterator[Text]:
    if isinstance(collected.disks, Failure):
        yield _missing(t("disks"), collected.disks)
        return
    for mount, disk in collected.disks:
        if isinstance(disk, Failure):
            yield _missing(mount, disk)
        else:
            yield t("{mount}: {used} of {total} used, {share}; inodes: {inodes}", mount=mount, used=Bytes(disk.used),
                    total=Bytes(disk.total), share=Percent(disk.percent),
                    inodes=Percent(disk.inodes_percent))  # fmt: skip


def _log(log: Log, say: Say) -> Section:
    if isinstance(log.lines, Failure):
        lines = [say(_missing(log.name, log.lines))]
    else:
        lines = list(log.lines) or [say(t("Nothing is in it."))]
    return Section(say(t("Log of {name}", name=log.name)), lines, log=True)


def _missing(name: str | Text, why: Failure) -> Text:
    return t("{name}: could not be collected: {why}", name=name, why=why.detail)
