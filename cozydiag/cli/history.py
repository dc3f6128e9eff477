"""`cozydiag history`: what was when, how often each check was well, and what is coming."""

import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import ConfigOption, LangOption, Problem, configuration, one_of, say, symbols, write
from cozydiag.text import Percent, Seconds, Text, When, plural, t

if TYPE_CHECKING:
    from cozydiag.state import State
    from cozydiag.watch.history import Run

_SPARKS = "█▇▅▃▁"  # ok, warning, unknown, critical, nothing known
_WORST = {"critical": 3, "unknown": 2, "warning": 1, "ok": 0}
_WIDTH = 60  # characters of the line of sparks


def history(
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="TIME", help=say(t("Only the last 12h, 30d …, or from a day such as 2026-11-01."))
        ),
    ] = "30d",
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:  # fmt: skip
    import time

    from cozydiag.state import open_state
    from cozydiag.watch import history as past
    from cozydiag.watch.background import folder_of

    layout = one_of("--format", format_, ("text", "json"))
    loaded, now = configuration(config), time.time()
    start = begin(since, now)
    folder = folder_of(loaded)
    if folder is None:
        write(
            say(t("Nothing is remembered yet: `cozydiag cron` writes down each of its runs.")) + "\n"
            if layout == "text"
            else "[]\n"
        )
        return 0
    state = open_state(folder)
    try:
        runs = past.runs(state, start)
        write(_as_json(runs) if layout == "json" else _as_text(state, runs, start, now))
    finally:
        state.close()
    return 0


def begin(since: str, now: float) -> float:
    """The moment that is meant, in epoch seconds. Raises Problem for what is none."""
    import time

    match = re.fullmatch(r"(\d+)\s*(min|h|d|j|w)", since)
    if match is not None:
        return now - int(match[1]) * {"min": 60, "h": 3600, "d": 86400, "j": 86400, "w": 7 * 86400}[match[2]]
    try:
        return time.mktime(time.strptime(since, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        raise Problem(t("--since takes a time such as 12h, 30d or 2026-11-01, not {since}", since=since)) from None


def _as_json(runs: "Sequence[Run]") -> str:
    import json

    rows: list[dict[str, Any]] = [
        {"at": run.at, "until": run.until, "runs": run.n, "seconds": run.seconds, "verdict": run.verdict,
         "causes": [{"code": c[0], "role": c[1] or None, "instance": c[2], "severity": c[3]} for c in run.causes],
         "statuses": dict(run.statuses), "boot": run.boot}
        for run in runs
    ]  # fmt: skip
    return json.dumps(rows, indent=1) + "\n"


def _as_text(state: "State", runs: "Sequence[Run]", begin: float, now: float) -> str:
    if not runs:
        return say(t("`cozydiag cron` did not run in this time; `cozydiag schedule install` has it run.")) + "\n"
    lines = []
    if sys.stdout.isatty() and symbols().arrow == "→":
        lines += [_sparks(runs, max(begin, runs[0].at), now), ""]
    lines += [say(text) for text in _timeline(runs)]
    lines += ["", *map(say, _availability(runs))]
    coming = [*map(say, _coming(state, now))]
    return "\n".join([*lines, *(["", *coming] if coming else [])]) + "\n"


def _sparks(runs: "Sequence[Run]", begin: float, now: float) -> str:
    """The worst verdict of each stretch of time, one character each."""
    step = max(1.0, (now - begin) / _WIDTH)
    worst = [-1] * _WIDTH
    for run in runs:
        first, last = (min(_WIDTH - 1, max(0, int((moment - begin) / step))) for moment in (run.at, run.until))
        for index in range(first, last + 1):
            worst[index] = max(worst[index], _WORST[run.verdict])
    return "".join(" " if one < 0 else _SPARKS[one] for one in worst)


def _timeline(runs: "Sequence[Run]") -> list[Text]:
    """Stretches that saw the same, the last ones last."""
    found: list[Text] = []
    index = 0
    while index < len(runs):
        first = last = runs[index]
        while index < len(runs) and _same(runs[index], first):
            last, index = runs[index], index + 1
        codes = ", ".join(dict.fromkeys(c[0] for c in first.causes)) or "-"
        word = {"ok": t("ok"), "warning": t("warning"), "critical": t("critical"), "unknown": t("unknown")}[
            first.verdict
        ]
        found.append(t("{when}  {verdict}  {age}  {codes}", when=When(first.at), verdict=word,
                       age=Seconds(max(0.0, last.until - first.at)), codes=codes))  # fmt: skip
    return found[-40:]


def _same(one: "Run", other: "Run") -> bool:
    return one.verdict == other.verdict and {c[0] for c in one.causes} == {c[0] for c in other.causes}


def _availability(runs: "Sequence[Run]") -> list[Text]:
    """The checks that were not always well, worst first, with how often they changed."""
    from cozydiag.watch.story import availability

    rows = []
    for name in dict.fromkeys(name for run in runs for name in run.statuses):
        share = availability(runs, name)
        if share is not None and share < 100:
            rows.append((share, name, _flips(runs, name)))
    if not rows:
        return [t("Every check was well in every run.")]
    return [
        plural("{check}: well in {share} of the runs, {n} change", "{check}: well in {share} of the runs, {n} changes",
               n=flips, check=name, share=Percent(share))
        for share, name, flips in sorted(rows)[:15]
    ]  # fmt: skip


def _flips(runs: "Sequence[Run]", name: str) -> int:
    states = [run.statuses[name] in ("ok", "warn", "skip") for run in runs if name in run.statuses]
    return sum(one != other for one, other in pairwise(states))


def _coming(state: "State", now: float) -> list[Text]:
    from cozydiag.watch.story import coming

    return coming(state, now)
