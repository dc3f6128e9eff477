"""Texts in words, in both languages."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest

from cozydiag.text import Bytes, Param, Percent, Seconds, Text, When, plural, t, verbatim
from cozydiag.text.catalogue import ENGLISH, Catalogue, catalogue, choose_language, render
from cozydiag.text.phrases import translated

ROOT = Path(__file__).resolve().parents[2]
FRENCH = Catalogue(
    "fr",
    {
        "{name} is down": "{name} est arrêté",
        "{path} is full": "{chemin} est plein",
        "{value}": "{value}",
        "why: {why}": "pourquoi : {why}",
    }.get,  # type: ignore[arg-type]
    lambda one, many, n: "{n} élément" if n < 2 else "{n} éléments",
)


def shown(param: Param, language: str) -> str:
    """In French with plain spaces instead of those that a line is not broken at."""
    return render(t("{value}", value=param), FRENCH if language == "fr" else ENGLISH).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("param", "english", "french"),
    [
        (9104, "9104", "9104"),
        (Percent(93.4), "93%", "93 %"),
        (Percent(100), "100%", "100 %"),
        (Percent(99.97), "99.9%", "99,9 %"),
        (Percent(0), "0%", "0 %"),
        (Percent(0.02), "0.1%", "0,1 %"),
        (Percent("nan"), "nan", "nan"),
        (Bytes(0), "0 B", "0 o"),
        (Bytes(999), "999 B", "999 o"),
        (Bytes(1000), "1 kB", "1 ko"),
        (Bytes(1_500_000), "1.5 MB", "1,5 Mo"),
        (Bytes(999_600), "1 MB", "1 Mo"),
        (Bytes(15_400_000_000), "15 GB", "15 Go"),
        (Bytes(-2_000), "-2 kB", "-2 ko"),
        (Bytes(10**30), f"{10**15} PB", f"{10**15} Po"),
        (Seconds(0), "0 s", "0 s"),
        (Seconds(0.25), "0.25 s", "0,25 s"),
        (Seconds(1.2), "1.2 s", "1,2 s"),
        (Seconds(59.6), "1 min", "1 min"),
        (Seconds(400), "6 min 40 s", "6 min 40 s"),
        (Seconds(7500), "2 h 5 min", "2 h 5 min"),
        (Seconds(3605), "1 h", "1 h"),
        (Seconds(266_400), "3 d 2 h", "3 j 2 h"),
        (Seconds(-400), "-6 min 40 s", "-6 min 40 s"),
        (Seconds("inf"), "inf", "inf"),
        (When("inf"), "inf", "inf"),
        (When(1e300), "1e+300", "1e+300"),
    ],
)
def test_numbers_in_words(param: Param, english: str, french: str) -> None:
    assert shown(param, "en") == english
    assert shown(param, "fr") == french


def test_a_line_is_not_broken_between_a_number_and_its_unit_in_french() -> None:
    assert render(t("{value}", value=Percent(93)), FRENCH) == "93\u00a0%"


def test_a_moment_has_a_date_unless_it_is_today() -> None:
    moment = time.mktime((2026, 3, 14, 23, 2, 14, 0, 0, -1))
    text = t("{value}", value=When(moment))
    assert render(text, ENGLISH, now=moment + 60) == "23:02:14"
    assert render(text, ENGLISH, now=moment + 7200) == "2026-03-14 23:02:14"
    assert render(text, ENGLISH, now=moment + 366 * 86400) == "2026-03-14 23:02:14"
    assert render(t("{value}", value=When(time.time())), ENGLISH).count(":") == 2


def test_texts_stand_inside_texts() -> None:
    text = t("why: {why}", why=t("{name} is down", name="files"))
    assert render(text, ENGLISH) == "why: files is down"
    assert render(text, FRENCH) == "pourquoi : files est arrêté"


def test_texts_inside_texts_come_to_an_end() -> None:
    text = t("end")
    for _ in range(1000):
        text = t("{value}", value=text)
    assert render(text, ENGLISH) == "…"


@pytest.mark.parametrize(("n", "english", "french"), [(0, "0 items", "0 élément"), (1, "1 item", "1 élément")])
def test_each_language_counts_its_own_way(n: int, english: str, french: str) -> None:
    text = plural("{n} item", "{n} items", n=n)
    assert render(text, ENGLISH) == english
    assert render(text, FRENCH) == french


def test_a_translation_that_does_not_fit_is_passed_over() -> None:
    assert render(t("{path} is full", path="/var"), FRENCH) == "/var is full"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{missing}", "{missing}"),
        ("{", "{"),
        ("}", "}"),
        ("{{a}}", "{a}"),
        ("{a.__class__}", "{a.__class__}"),
        ("{a:>999999999}", "{a:>999999999}"),
        ("{0}", "{0}"),
        ("", ""),
    ],
)
def test_a_broken_template_is_shown_as_far_as_it_goes(template: str, words: str) -> None:
    assert render(Text(template, (("a", "b"),)), ENGLISH) == words


def test_braces_in_values_are_left_alone() -> None:
    assert render(verbatim("{'error': {name}}"), ENGLISH) == "{'error': {name}}"


def test_the_empty_text_is_empty_in_french_too() -> None:
    assert render(verbatim(""), catalogue("fr")) == ""
    assert render(Text(""), catalogue("fr")) == ""


@pytest.mark.parametrize("language", ["en", "de", "", "../../fr"])
def test_languages_without_a_catalogue_read_english(language: str) -> None:
    assert catalogue(language) is ENGLISH


@pytest.mark.parametrize(
    ("option", "environ", "language"),
    [
        (None, {}, "en"),
        ("fr", {"LC_ALL": "en_US.UTF-8"}, "fr"),
        ("de", {"LC_ALL": "fr_FR.UTF-8"}, "en"),
        (None, {"LC_ALL": "fr_FR.UTF-8", "LANG": "en_US.UTF-8"}, "fr"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "fr_CA", "LANG": "en_US.UTF-8"}, "fr"),
        (None, {"LANG": "fr"}, "fr"),
        (None, {"LANG": "C.UTF-8", "LANGUAGE": "fr"}, "en"),
        (None, {"LANG": "french"}, "en"),
        (None, {"LANGUAGE": "de:fr:en"}, "fr"),
        (None, {"LANG": "FR_fr@euro"}, "fr"),
    ],
)
def test_the_language_is_the_first_that_is_asked_for(
    option: str | None, environ: dict[str, str], language: str
) -> None:
    assert choose_language(option, environ) == language


@pytest.mark.parametrize(
    ("words", "french"),
    [
        ("connection refused", "connexion refusée"),
        ("permission denied", "permission refusée"),
        ("/usr/sbin/nginx cannot be executed", "/usr/sbin/nginx ne peut pas être exécuté"),
        ("cozy-home", "cozy-home"),
        ("the table of the cook does not exist", "the table of the cook does not exist"),
    ],
)
def test_the_words_of_usual_failures_are_translated(words: str, french: str) -> None:
    text = t("why: {why}", why=words)
    assert render(text, catalogue("fr")).endswith(french)
    assert render(text, ENGLISH) == f"why: {words}"


def failures_in_the_source() -> set[str]:
    """What `Failure(kind, detail)` says by a literal; {} stands where a value is filled in."""
    found = set()
    for path in (
        path
        for folder in ("cozydiag", "checks")
        for path in (ROOT / folder).rglob("*.py")
        if path.parent.name != "testing"
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Failure" and len(node.args) == 2:
                detail = node.args[1]
                if isinstance(detail, ast.Constant) and detail.value:
                    found.add(str(detail.value))
                elif isinstance(detail, ast.JoinedStr):
                    found.add(
                        "".join(
                            getattr(part, "value", "{}") if isinstance(part, ast.Constant) else "{}"
                            for part in detail.values
                        )
                    )
    return found


@pytest.mark.parametrize("words", sorted(failures_in_the_source()))
def test_every_usual_failure_has_its_phrase(words: str) -> None:
    if re.fullmatch(r"[{}: ]*|HTTP \{\}( \{\})?|\{\} is \{\}", words):
        pytest.skip("all of it comes from elsewhere")
    assert translated(words.replace("{}", "x"), lambda template: f"<{template}>").startswith("<"), words
