"""What a log says, as a page (`cozydiag logs`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cozydiag.logs.analysis import Analysis, Failed, Problem
from cozydiag.logs.crashes import Loop
from cozydiag.logs.story import Happening
from cozydiag.rules import Hit
from cozydiag.text import Seconds, Text, plural, t, verbatim

Say = Callable[[Text], str]

_WORDS: Final[Mapping[str, Text]] = {
    "start_asked": t("a start was asked for"),
    "started": t("started"),
    "stop_asked": t("a stop was asked for"),
    "stopped": t("stopped"),
    "crashed": t("crashed"),
    "given_up": t("given up: nothing starts it any more"),
}
_MOST: Final = 40
"""Lines of a story that are shown; of a longer one the last."""

_TOLD: Final = 5
"""Problems that are explained; the rest is counted."""


def page(found: Analysis, say: Say, width: int) -> list[str]:
    """The story, the loops, what is known to be wrong and what to do; lines of ``width`` columns at most."""
    lines = _story(found.story, say, width)
    for loop in found.loops:
        lines += ["", *_loop(loop, found, say, width)]
    told = {loop.cause.rule.id for loop in found.loops if loop.cause is not None}
    wrong = [
        one for one in found.problems if one.told and one.hit.rule.role != "normal" and one.hit.rule.id not in told
    ]
    causes = [one for one in wrong if one.hit.rule.role == "cause"]
    shown = (causes or ([] if found.loops else wrong))[:_TOLD]
    for problem in shown:
        lines += ["", *_problem(problem, say, width)]
    if len(causes) > len(shown):
        lines += ["", say(plural("{n} more problem: see --format json", "{n} more problems: see --format json",
                                 n=len(causes) - len(shown)))]  # fmt: skip
    lines += _unknown(found, say, width) if not shown and not found.loops else []
    return lines[1:] if lines[:1] == [""] else lines


def _story(happenings: Sequence[Happening], say: Say, width: int) -> list[str]:
    lines = [line for one in happenings[-_MOST:] for line in _happening(one, happenings, say, width)]
    if len(happenings) > _MOST:
        lines.insert(0, say(plural("({n} event before)", "({n} events before)", n=len(happenings) - _MOST)))
    return lines


def _happening(one: Happening, all_: Sequence[Happening], say: Say, width: int) -> list[str]:
    several = len({each.service for each in all_ if each.service}) > 1
    words = say(_words(one))
    if several and one.service:
        words = f"{one.service}: {words}"
    if one.times > 1 and one.kind != "requests":
        words += " " + say(_often(one))
    head = f"{clock(one.at)}  "
    return _wrapped(head, words, width)


def _often(one: Happening) -> Text:
    if one.last is None:
        return t("({n} times)", n=one.times)
    return t("({n} times, until {time})", n=one.times, time=clock(one.last))


def _words(one: Happening) -> Text:
    if one.hit is not None:
        return one.hit.meaning
    if one.kind == "request":
        return verbatim(one.detail)
    if one.kind == "answered":
        return t("answered: {status}", status=one.status)
    if one.kind == "requests":
        return plural("{n} request", "{n} requests", n=one.times)
    words = _WORDS[one.kind]
    return t("{what} ({detail})", what=words, detail=one.detail) if one.detail else words


def clock(at: float | None) -> str:
    """The time of day here; eight columns."""
    return "--:--:--" if at is None else time.strftime("%H:%M:%S", time.localtime(at))


def _loop(loop: Loop, found: Analysis, say: Say, width: int) -> list[str]:
    lines = _wrapped("", say(_headline(loop)), width)
    if loop.given_up:
        lines += _wrapped("    ", say(t("Its manager has given it up.")), width)
    if loop.cause is None:
        text = t("No cause is known for it. The last errors:") if found.loud else t("No cause is known for it.")
        return [*lines, *_wrapped("    ", say(text), width), *(f"        {line}"[:width] for line in found.loud)]
    if loop.certainty != "certain" and loop.seen < loop.crashes:
        text = t("Seen in {seen} of {n} crashes: this is likely, not certain.", seen=loop.seen, n=loop.crashes)
        lines += _wrapped("    ", say(text), width)
    told = next((one for one in found.problems if one.hit.rule.id == loop.cause.rule.id), None)
    return [*lines, *(f"    {line}" for line in _cause(loop.cause, say, width - 4)), *_seen(told, say, width),
            *_remedy(loop.cause, say, width)]  # fmt: skip


def _headline(loop: Loop) -> Text:
    name = loop.service or "app"
    if not loop.crashes:
        return t("{name} has failed and does not run.", name=name)
    crashed = plural("it crashed once", "it crashed {n} times", n=loop.crashes)
    if loop.gap is not None:
        crashed = t(
            "{crashed}, every {gap}, until {time}", crashed=crashed, gap=Seconds(loop.gap), time=clock(loop.last)
        )
    return t("Crash loop of {name}: {crashed}.", name=name, crashed=crashed)


def _problem(one: Problem, say: Say, width: int) -> list[str]:
    return [*_cause(one.hit, say, width), *_seen(one, say, width), *_remedy(one.hit, say, width)]


def _seen(one: Problem | None, say: Say, width: int) -> list[str]:
    if one is None:
        return []
    text = plural("Seen once: {line}", "Seen {n} times: {line}", n=one.times, line=one.line.strip()[:300])
    return _wrapped("    ", say(text), width, breaks=True)


def _cause(hit: Hit, say: Say, width: int) -> list[str]:
    words = say(hit.meaning)
    return _wrapped("", f"{words[:1].upper()}{words[1:]}. [{hit.rule.id}]", width)


def _remedy(hit: Hit, say: Say, width: int) -> list[str]:
    lines = _wrapped("    ", say(t("What to do: {remedy}", remedy=hit.remedy)), width)
    if hit.rule.restart_helps is False:
        lines += _wrapped("    ", say(t("A restart does not help.")), width)
    return lines


def _unknown(found: Analysis, say: Say, width: int) -> list[str]:
    """Where no rule knows anything: the exceptions, else the last loud lines."""
    lines = [""]
    for one in found.failures[-_TOLD:]:
        text = t("Ended by {what} ({n} times)", what=_failure(one), n=one.times) if one.times > 1 else t(
            "Ended by {what}", what=_failure(one))  # fmt: skip
        lines += _wrapped("", say(text), width)
    if not found.failures and any(one.kind in ("crashed", "given_up") for one in found.story) and found.loud:
        lines += [say(t("No known problem. The last errors:")), *(f"    {line}"[:width] for line in found.loud)]
    if len(lines) == 1 and not found.lines:
        lines.append(say(t("There is nothing in it.")))
    elif len(lines) == 1:
        lines.append(say(plural("Nothing in this {n} line is known to be a problem.",
                                "Nothing in these {n} lines is known to be a problem.", n=found.lines)))  # fmt: skip
    return lines


def _failure(one: Failed) -> str:
    return f"{one.type}: {one.message}"[:300] if one.message else one.type


def _wrapped(head: str, words: str, width: int, *, breaks: bool = False) -> list[str]:
    """``breaks``: what is too long for a line is cut there; commands are left whole, to be copied."""
    import textwrap

    return textwrap.wrap(
        words, max(width, 40), initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False,
        break_long_words=breaks,
    )  # fmt: skip
