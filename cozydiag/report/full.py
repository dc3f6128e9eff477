"""`cozydiag report`: everything for those who help, as plain ASCII-drawn text in sections whose order stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cozydiag.host.failure import Failure
from cozydiag.managers.supervisord import RUNNING, Program
from cozydiag.model import Report
from cozydiag.report import tagged
from cozydiag.report.collect import Collected, Log
from cozydiag.report.configuration import File
from cozydiag.report.formats import rendered
from cozydiag.report.guard import Guard, LeakError, harmless
from cozydiag.report.headings import HEAD, HEADINGS, REDACTIONS
from cozydiag.report.plain import Say, speaker
from cozydiag.report.sections import LIMIT, Section, fitted
from cozydiag.text import Bytes, Percent, Seconds, Text, plural, t
from cozydiag.text.catalogue import Catalogue


class Told(NamedTuple):
    """What a report says besides: the user's own words, what was done to services, files that were closed to us."""

    note: str = ""
    acts: tuple[Text, ...] = ()
    closed: tuple[str, ...] = ()


def full(report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, guard: Guard | None) -> str:
    """The whole text; ``head`` are the lines at its top. Nothing is redacted without a ``guard``.

    Raises LeakError where a secret is left in it.
    """
    return written(redacted(report, collected, head, catalogue, guard), "text", catalogue, guard)


def written(sections: list[Section], layout: str, catalogue: Catalogue, guard: Guard | None, limit: int = LIMIT) -> str:
    """Redacted sections in a format, within ``limit`` characters: logs give way first, the verdict never.

    Raises LeakError where a secret is left in it.
    """
    say = speaker(catalogue)
    kept = fitted(sections, say, limit)
    made = rendered(kept, layout, catalogue)
    room = limit
    while len(made) > limit and room > limit // 4 and layout in ("text", "markdown"):  # tags and fences need room, too
        room -= len(made) - limit + 50
        kept = fitted(sections, say, room)
        made = rendered(kept, layout, catalogue)
    if guard is not None:
        guard.check(kept)
        if guard.finds(made) and not guard.finds(rendered(_NOTHING, layout, catalogue)):
            raise LeakError("?", 0)
    return made


_NOTHING = [Section("-", ["-"], name=name) for name in ("head", "note", "verdict", "logs")]
"""A report of the words of its format alone: a secret that is one of them is found in every report."""


def redacted(
    report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, guard: Guard | None,
    told: Told | None = None,
) -> list[Section]:  # fmt: skip
    """All sections, as they may be shown, with one about what was hidden."""
    say = speaker(catalogue)
    sections = list(_sections(report, collected, head, catalogue, told or Told()))
    if guard is None:
        return [one._replace(heading=harmless(one.heading), lines=list(map(harmless, one.lines))) for one in sections]
    shown = guard.sections(sections, say)
    return [*shown, _named("hidden", say, map(say, hidden(guard.redactor.counts())))]


def chosen(sections: list[Section], names: Sequence[str]) -> list[Section]:
    """What is always told, and the sections of these names; all of them where none is named."""
    always = {"head", "note", "verdict", "hidden"}
    return [one for one in sections if not names or one.name in always or one.name in names]


def hidden(counts: Mapping[str, int]) -> list[Text]:
    """How many different things of each kind have a stand-in."""
    found = [KINDS[kind](n) for kind, n in counts.items()]
    return found or [t("Nothing had to be hidden.")]


def _sections(
    report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, told: Told
) -> Iterator[Section]:
    say = speaker(catalogue)
    yield Section(HEAD, list(map(say, head)), name="head")
    if told.note:
        yield _named("note", say, told.note.splitlines())
    yield _named("verdict", say, tagged.verdict(report, say, catalogue))
    yield _named("journal", say, map(say, told.acts or (t("Nothing was done yet."),)))
    yield _named("versions", say, map(say, _versions(collected)))
    yield _named("machine", say, map(say, _machine(collected)))
    yield _named("results", say, tagged.results(report, say))
    yield _named("services", say, map(say, _services(collected)))
    yield _named("sites", say, map(say, _sites(collected)))
    if not isinstance(collected.configuration, Failure):
        yield from (_file(file, say) for file in collected.configuration)
    yield from (_log(log, say) for log in collected.logs)
    missing = list(map(say, _uncollected(collected, told)))
    if missing:
        yield _named("missing", say, missing)


def _named(name: str, say: Say, lines: Iterable[str]) -> Section:
    return Section(say(HEADINGS[name]), list(lines), name=name)


def _sites(collected: Collected) -> Iterator[Text]:
    if isinstance(collected.sites, Failure):
        yield _missing(t("sites"), collected.sites)
        return
    for site in collected.sites:
        yield t("{url} at {address}, from {origin}", url=site.url, address="{}:{}".format(*site.address),
                origin=site.origin)  # fmt: skip
    if not collected.sites:
        yield t("None is known.")


def _file(file: File, say: Say) -> Section:
    if isinstance(file.lines, Failure):
        lines = [say(_missing(file.path, file.lines))]
    else:
        more = plural("(and {n} more line)", "(and {n} more lines)", n=file.more)
        lines = [*file.lines, *([say(more)] if file.more else [])] or [say(t("Nothing is in it."))]
    return Section(say(t("Configuration: {name}", name=file.path)), lines, name="configuration")


def _uncollected(collected: Collected, told: Told) -> Iterator[Text]:
    """All that is missing, once more and together: what is not in a report did not have to be well."""
    parts: list[tuple[str | Text, object]] = [
             *collected.versions, ("supervisord", collected.programs), (t("memory"), collected.memory),
             (t("load"), collected.load), (t("uptime"), collected.up), (t("disks"), collected.disks),
             (t("sites"), collected.sites), (t("configuration"), collected.configuration),
             *collected.logs]  # fmt: skip
    files = () if isinstance(collected.configuration, Failure) else collected.configuration
    parts += [(file.path, file.lines) for file in files]
    yield from (_missing(name, why) for name, why in dict(parts).items() if isinstance(why, Failure))
    for path in told.closed:
        yield t("{name}: it could not be read, so its secrets are not known", name=path)
    if collected.unread:
        yield plural("The logs of {n} program were left out.", "The logs of {n} programs were left out.",
                     n=collected.unread)  # fmt: skip


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
    return Section(say(t("Log of {name}", name=log.name)), lines, log=True, name="logs")


def _missing(name: str | Text, why: Failure) -> Text:
    return t("{name}: could not be collected: {why}", name=name, why=why.detail)
