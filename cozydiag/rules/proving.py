"""Whether the rules do what they promise: their examples, and what lines made to be slow cost."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from cozydiag.rules.rule import Pattern, Rule, fields
from cozydiag.rules.scan import Scanner
from cozydiag.text import Text, t

HOSTILE: Final = 40_000
"""Characters of a hostile line: ten times what is kept of one when a log is read."""

PATIENCE: Final = 0.25
"""Seconds of CPU that one rule may take for one such line. A rule that is quadratic takes much longer."""


class Proof(NamedTuple):
    """How many examples were tried, what is wrong, and what the slowest hostile line cost its rule (seconds)."""

    examples: int
    problems: tuple[Text, ...]
    slowest: float
    slowest_rule: str


def prove(rules: Iterable[Rule]) -> Proof:
    """Try every example of every rule on all rules, and hostile lines on each alone."""
    rules = list(rules)
    scanner, problems = Scanner(rules), []
    for rule in rules:
        problems += [*_fields(rule), *_matches(rule, scanner)]
    costs = [(_cost(rule), rule.id) for rule in rules]
    problems += [
        t("{id}: a hostile line keeps it busy for {ms} ms", id=name, ms=round(cost * 1000))
        for cost, name in costs
        if cost > PATIENCE
    ]
    examples = sum(len(rule.match) + len(rule.no_match) for rule in rules)
    return Proof(examples, tuple(problems), *max(costs, default=(0.0, "")))


def _fields(rule: Rule) -> Iterator[Text]:
    """Fields that no pattern can fill."""
    groups = {re.sub(r"\d+$", "", name) for one in rule.patterns for name in re.compile(one.regex).groupindex}
    for name in sorted((fields(rule.meaning) | fields(rule.remedy)) - groups):
        yield t("{id}: no pattern has a group {name}", id=rule.id, name=name)


def _matches(rule: Rule, scanner: Scanner) -> Iterator[Text]:
    origins = [rule.origins[0] if rule.origins else ""]
    for line in rule.match:
        ranks = {hit.rule.id: hit.rule.rank for hit in scanner.hits([line], origins)}
        if rule.id not in ranks:
            yield t("{id} does not find: {line}", id=rule.id, line=line)
        for other, rank in ranks.items():
            if rank > rule.rank and other not in rule.outranked_by:
                yield t("{id} is outranked by {other} in: {line}", id=rule.id, other=other, line=line)
    for line in rule.no_match:
        if any(hit.rule.id == rule.id for hit in scanner.hits([line], origins)):
            yield t("{id} finds what it must not: {line}", id=rule.id, line=line)


def _cost(rule: Rule) -> float:
    """Seconds of CPU for the hostile line that it takes longest for."""
    scanner, worst = Scanner([rule]), 0.0
    for line in hostile(rule):
        began = time.process_time()
        scanner.hits([line])
        worst = max(worst, time.process_time() - began)
    return worst


def hostile(rule: Rule) -> Iterator[str]:
    """Lines in which a careless expression tries every place anew: the literal again and again, and after long runs
    of what expressions like to repeat."""
    for pattern in rule.patterns:
        yield _filled(pattern.literal)
        yield _filled(pattern.literal + " ")
        yield from (
            _filled(run)[: -len(pattern.literal)] + pattern.literal
            for run in ("a", " ", "1.", "/a", "'", '"', "(", "A_")
        )
        yield from (_filled(_half(pattern, line)) for line in rule.match[:2])


def _filled(piece: str) -> str:
    return (piece * (HOSTILE // max(len(piece), 1) + 1))[:HOSTILE]


def _half(pattern: Pattern, line: str) -> str:
    """An example up to the literal and no further."""
    at = line.lower().find(pattern.literal)
    return line[: at + len(pattern.literal)] if at >= 0 else line
