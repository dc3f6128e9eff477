"""What a run found in every format for programs, held against what others wrote to read it.

Nothing is run again: the findings are those that `status --format json` has printed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from calendar import timegm
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from time import strptime
from typing import Any, Final, NamedTuple

import cozydiag.report
from cozydiag.model import Cause, Evidence, Finding, Known, Report, Result, Status
from cozydiag.report.as_json import VERDICTS, as_json, as_line
from cozydiag.report.junit import junit
from cozydiag.report.nagios import nagios
from cozydiag.report.prometheus import prometheus
from cozydiag.text import Text, t, verbatim
from cozydiag.text.catalogue import ENGLISH, catalogue, render

Data = Mapping[str, Any]
FRENCH: Final = catalogue("fr")
STATUSES: Final = {word: status for status, word in VERDICTS.items()}
SCHEMA: Final = Path(next(iter(cozydiag.report.__path__)), "status-1.schema.json")
XSD: Final = Path(__file__).parent / "oracles" / "junit-10.xsd"
"""Jenkins' xUnit plugin, as pytest 9.2.0 has it: MIT, Copyright (c) 2014 Gregory Boissinot."""

LINE = r"COZY (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| (?P<data>[^|\n]+)\n([^|\n]+\n)*"
DATUM = r"(\w+)=(-?\d+(?:\.\d+)?)(|s|us|ms|%|B|KB|MB|TB|c);([^;]*);([^;]*);([^;]*)(?:;([^;]*))?"
"""Monitoring Plugins Development Guidelines, without what their grammar leaves to taste."""

NAGIOS_KEEPS = 4096


class Taken(NamedTuple):
    """How many outputs were held against their oracle, and what an oracle said of those that it refused."""

    outputs: int
    refused: tuple[str, ...]


def taken(data: Data) -> Taken:
    """One state, in every format and, where people read them, in both languages."""
    report = as_report(data)
    outputs = (
        ("json", as_json(report)),
        ("jsonl", as_line(report)),
        ("prometheus", prometheus(report)),
        *((layout, write(report, words)) for layout, write in (("nagios", nagios), ("junit", junit))
          for words in (ENGLISH, FRENCH)),
    )  # fmt: skip
    printed = [f"json as printed: {one}" for one in wrong("json", json.dumps(data))]
    said = (f"{layout}: {one}" for layout, text in outputs for one in wrong(layout, text))
    return Taken(len(outputs) + 1, (*printed, *said))


def wrong(layout: str, text: str) -> list[str]:
    """What the oracle of this format has against an output: nothing where it takes it."""
    try:
        return list(ORACLES[layout](text))
    except (ValueError, SyntaxError) as error:  # a parser that gives up; XML's is a SyntaxError
        return [f"{type(error).__name__}: {error}"]


def _json(text: str) -> Iterator[str]:
    for error in _status_schema().iter_errors(json.loads(text)):
        yield f"{error.json_path}: {error.message}"


def _jsonl(text: str) -> Iterator[str]:
    if text.count("\n") != 1 or not text.endswith("\n"):
        yield "not one line"
    yield from _json(text)


def _nagios(text: str) -> Iterator[str]:
    from nagiosplugin.performance import Performance
    from nagiosplugin.range import Range

    if len(text.encode()) > NAGIOS_KEEPS:
        yield f"{len(text.encode())} bytes"
    line = re.fullmatch(LINE, text)
    data = line["data"].split(" ") if line else []
    matches = [re.fullmatch(DATUM, datum) for datum in data]
    if not data or not all(matches):
        yield f"no output of a plugin: {text.splitlines()[:1]}"
    for datum, match in zip(data, matches, strict=True):
        if match is not None:
            label, value, unit, *limits = match.groups()
            ranges = [str(Range(one)) if one else "" for one in limits[:2]]
            if str(Performance(label, value, unit, *ranges, *limits[2:])) != datum:
                yield f"nagiosplugin would write it otherwise: {datum}"


def _prometheus(text: str) -> Iterator[str]:
    from prometheus_client.parser import text_string_to_metric_families

    seen = set()
    for family in text_string_to_metric_families(text):
        if family.type != "gauge" or not family.documentation:
            yield f"{family.name} is no gauge that says what it is"
        for sample in family.samples:
            name = (sample.name, tuple(sorted(sample.labels.items())))
            if name in seen or sample.timestamp is not None:
                yield f"twice, or with a time: {name}"
            seen.add(name)
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                              check=False)  # fmt: skip
        if done.returncode or done.stdout or done.stderr:
            yield f"promtool: {done.stdout}{done.stderr}"


def _junit(text: str) -> Iterator[str]:
    for error in _junit_schema().iter_errors(text):
        yield f"{error.path}: {error.reason}"


ORACLES: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "json": _json, "jsonl": _jsonl, "nagios": _nagios, "prometheus": _prometheus, "junit": _junit,
}  # fmt: skip


@cache
def _status_schema() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text("utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def _junit_schema() -> Any:
    from xmlschema import XMLSchema10

    return XMLSchema10(str(XSD))


# --- the report that was printed. What JSON does not have (titles, what was seen by looks that found nothing) is empty


def as_report(data: Data) -> Report:
    seen = {cause["code"]: _evidence(cause) for cause in data["causes"]}
    return Report(
        STATUSES[data["verdict"]], tuple(map(_cause, data["causes"])),
        tuple(_result(one, seen) for one in data["results"]), (), data["host"],
        timegm(strptime(data["started_at"], "%Y-%m-%dT%H:%M:%SZ")), data["seconds"], True,
        known=tuple(Known(_cause(one["cause"]), one["reason"], _text(one["until"])) for one in data["known"]),
        story=tuple(map(_text, data["story"])),
    )  # fmt: skip


def _cause(data: Data) -> Cause:
    remedy = data["remedy"]
    return Cause(
        data["code"], data["role"], data["subject"], "", STATUSES[data["severity"]], _text(data["message"]),
        tuple(data["explains"]), _text(remedy) if remedy else None, tuple(remedy["commands"]) if remedy else (),
        _evidence(data), data["certainty"], data["restart_helps"], None, data["service"],
    )  # fmt: skip


def _result(data: Data, seen: Mapping[str, tuple[Evidence, ...]]) -> Result:
    findings = tuple(
        Finding(Status(one["status"]), one["code"], _text(one["message"]), one["role"],
                _text(one["advice"]) if one["advice"] else None)
        for one in data["findings"]
    )  # fmt: skip
    evidence = tuple(line for one in findings for line in seen.get(one.code, ()))
    return Result(
        data["id"], data["subject"], verbatim(data["id"]), Status(data["status"]), findings, evidence,
        tuple(data["blocked_by"]), tuple(data["explained_by"]), data["seconds"],
    )  # fmt: skip


def _evidence(cause: Data) -> tuple[Evidence, ...]:
    return tuple(Evidence(one["source"], one["line"]) for one in cause["evidence"])


def _text(data: Data) -> Text:
    """To be shown in every language, where its numbers came through JSON as they were; else its English words."""
    made = t(data["id"], **{name: _text(one) if isinstance(one, dict) else one for name, one in data["params"].items()})
    return made if render(made, ENGLISH) == data["text"] else verbatim(data["text"])
