"""From a report to what is told: what is new is worked out, put into words, sent, and only then remembered as told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cozydiag.host.clock import Clock
from cozydiag.host.failure import Failure
from cozydiag.model import Report
from cozydiag.state import Entry, State
from cozydiag.text import Seconds, Text, When, plural, t
from cozydiag.watch import rules, spare
from cozydiag.watch.problems import BLIND, Problem, problems
from cozydiag.watch.rules import Memory, News

_KEY, _ACT = "notify.problems", "notify.act"

Say = Callable[[Text], str]

TAG = "[cozydiag]"
"""What subjects of mails begin with, for filters."""


class Told(NamedTuple):
    """What there is to tell of one problem, in words."""

    key: str
    news: News
    words: str


class Round:
    """One run's news. ``memory`` is by problem; ``acts`` are repairs that nobody has been told of."""

    def __init__(self, state: State, clock: Clock, say: Say, remind: float) -> None:
        self.state = state
        self._clock = clock
        self._say = say
        self._remind = remind
        kept = spare.load(state, _KEY)
        self.first = kept is None
        self._kept = kept
        self.memory: dict[str, Memory] = {}
        self._words: dict[str, str] = {}
        for key, one in (kept or {}).items():
            if isinstance(one, dict) and isinstance(one.get("memory"), dict):
                self.memory[key] = rules.from_data(one["memory"])
                self._words[key] = str(one.get("words", ""))

    def look(self, report: Report, failing: Mapping[str, Failure]) -> list[Told]:
        """Take note of a run, and of the channels that ``failing`` in the last one; what is to be told of them."""
        now = self._clock.now()
        found = problems(report)
        for name, failure in failing.items():
            found[f"channel:{name}"] = Problem(
                1, t("nothing can be sent by notify.{name}: {why}", name=name, why=failure.detail)
            )
        for key in sorted({*self.memory, *found}):
            level = found[key].level if key in found else rules.GOOD
            self.memory[key] = rules.seen(self.memory.get(key), level, now, first_run=self.first)
            if key in found:
                self._words[key] = self._say(found[key].text)
        self._forget(now)
        said = [(key, rules.news(memory, now, self._remind)) for key, memory in self.memory.items()]
        news = [
            Told(key, what, self._sentence(key, what, found.get(key), now)) for key, what in said if what is not None
        ]
        return sorted(news, key=lambda one: -one.news.level)

    def acts(self) -> list[Entry]:
        """Repairs and services given up since the last that was told of; what was before the first word is old."""
        last = self.state.get(_ACT)
        entries = sorted((*self.state.latest("act", 50), *self.state.latest("gate", 50)))
        if not isinstance(last, int):
            self._told_act(entries)
            return []
        return [one for one in entries if one.id > last and _worth_telling(one)]

    def save(self) -> bool:
        """Remember the run, if anything is new; whether it is safely kept somewhere."""
        data = {key: self._data(key, memory) for key, memory in self.memory.items()}
        if data == self._kept:
            return True
        kept = spare.save(self.state, _KEY, data)
        if kept:
            self._kept = data
        return kept

    def _data(self, key: str, memory: Memory) -> dict[str, Any]:
        data = rules.to_data(memory)
        if "changes" in data:
            data["changes"] = list(memory.changes)  # as JSON gives them back
        return {"memory": data, "words": self._words.get(key, "")}

    def told(self, news: Sequence[Told], acts: Sequence[Entry]) -> bool:
        """It has reached somebody."""
        now = self._clock.now()
        for one in news:
            self.memory[one.key] = rules.told(self.memory[one.key], one.news, now)
        if acts:
            self._told_act(acts)
        return self.save()

    def _told_act(self, entries: Sequence[Entry]) -> None:
        self.state.set(_ACT, max((one.id for one in entries), default=0))

    def _forget(self, now: float) -> None:
        for key in [key for key, one in self.memory.items() if rules.forgettable(one, now)]:
            del self.memory[key]
            self._words.pop(key, None)

    def _sentence(self, key: str, what: News, problem: Problem | None, now: float) -> str:
        lines = [self._say(_headline(what, self._words.get(key, key), now))]
        if problem is not None and problem.cause is not None and what.kind in (rules.NEW, rules.WORSE):
            if problem.cause.remedy is not None:
                lines.append(f"    {self._say(problem.cause.remedy)}")
            lines += [f"        {command}" for command in problem.cause.commands]
        return "\n".join(lines)


def _headline(what: News, words: str, now: float) -> Text:
    since, lasted = When(what.since), Seconds(max(0.0, now - what.since))
    if what.kind == rules.OVER:
        return t("Over after {age}: {problem}", age=lasted, problem=words)
    if what.kind == rules.FLAPS:
        return t(
            "Comes and goes, since {since}: {problem}. Nothing more is said until it has been quiet for half an hour.",
            since=since, problem=words,
        )  # fmt: skip
    if what.kind == rules.ENDED and what.level == rules.GOOD:
        return t("No longer comes and goes, and is well: {problem}", problem=words)
    if what.kind == rules.ENDED:
        return t("No longer comes and goes, and stays: {problem}", problem=words)
    if what.kind == rules.REMINDER:
        return t("Still, since {since} ({age}): {problem}", since=since, age=lasted, problem=words)
    if what.kind == rules.BETTER:
        return t("Less bad: {problem}", problem=words)
    if what.kind == rules.WORSE:
        return t("Worse: {problem}", problem=words)
    return t("{problem} (since {since})", problem=words, since=since)


def _worth_telling(entry: Entry) -> bool:
    """What was done, and that nothing more will be done: a service that is held."""
    result = entry.result if isinstance(entry.result, dict) else {}
    return bool(result) if entry.kind == "act" else result.get("result") == "held"


def subject(report: Report, news: Sequence[Told], host: str) -> Text:
    """`[cozydiag] CRITICAL couchdb on host1`"""
    from cozydiag.report.nagios import WORDS

    roles = ", ".join(dict.fromkeys(one.key for one in news if one.key != BLIND))
    said: Text | str = roles or "-"
    if len(news) > 3:
        said = plural("{n} problem", "{n} problems", n=len(news))
    elif any(one.key == BLIND and one.news.level for one in news):
        blind = t("could not tell whether all is well")
        said = t("{roles}; {blind}", roles=roles, blind=blind) if roles else blind
    elif news and not roles:
        said = t("everything can be looked at again")
    return t("{tag} {verdict}: {problems} on {host}", tag=TAG, verdict=WORDS[report.verdict], problems=said, host=host)
