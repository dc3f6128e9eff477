"""The report as a page, in a real browser: on a phone and a desk, by day and by night, and on paper."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.report.formats import rendered
from cozydiag.sandbox import Sandbox
from cozydiag.text.catalogue import catalogue
from scripts.laboratory import browser as fetched
from tests.e2e.browser import Browser
from tests.unit.test_report_formats import HOSTILE, report, sections

WIDTHS = {"phone": 390, "desk": 1280}
COLOURS = ("light", "dark")
SERIOUS = "axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => v.id))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = fetched.program()
    if isinstance(program, str):
        pytest.skip(program)
    found = Browser(program, fetched.environment())
    try:
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def axe() -> str:
    return fetched.axe() or pytest.skip("no axe-core: npm's package could not be fetched")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A real one in each language, of a stack with a fault, and a hostile one."""
    folder = tmp_path_factory.mktemp("pages")
    folder.chmod(0o755)
    found = {language: folder / f"{language}.html" for language in ("en", "fr")}
    sandbox = Sandbox.create()
    try:
        sandbox.up()
        sandbox.break_("part-stopped")
        for language, path in found.items():
            line = [sys.executable, "-m", "cozydiag", "report", "--format", "html", "--lang", language, "--note", "<b>",
                    "--config", sandbox.config, "-o", str(path)]  # fmt: skip
            subprocess.run(line, env={**os.environ, "LANG": "C.UTF-8"}, check=True, timeout=120)
    finally:
        sandbox.remove()
    found["hostile"] = folder / "hostile.html"
    found["hostile"].write_text(rendered(sections(report(*HOSTILE), note=HOSTILE[0]), "html", catalogue("en")))
    return found


def dressed(browser: Browser, width: int, colours: str, media: str = "") -> None:
    browser("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
    features = [{"name": "prefers-color-scheme", "value": colours}]
    browser("Emulation.setEmulatedMedia", media=media, features=features)


def complaints(browser: Browser) -> list[Any]:
    console = [one for one in browser.of("Runtime.consoleAPICalled") if one["type"] in ("error", "warning")]
    return [*browser.of("Log.entryAdded"), *browser.of("Runtime.exceptionThrown"), *console]


@pytest.mark.parametrize("name", ["en", "fr", "hostile"])
def test_no_request_leaves_a_page_and_it_complains_of_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    url = pages[name].as_uri()
    browser("Page.setBypassCSP", enabled=False)
    browser.open(url)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    browser.run("new Promise(done => setTimeout(done, 300))")
    asked = {one["request"]["url"] for one in browser.of("Network.requestWillBeSent")}
    assert asked - {"data:,"} == {url}
    assert complaints(browser) == []
    assert browser.run("document.querySelectorAll('script, a, img, iframe').length") == 0
    assert browser.run("document.title") in ("Report of cozydiag", "Rapport de cozydiag")


def test_the_policy_of_a_page_stops_what_is_put_into_it(browser: Browser, pages: dict[str, Path]) -> None:
    browser("Page.setBypassCSP", enabled=False)
    browser.open(pages["en"].as_uri())
    browser.run(
        "document.body.appendChild(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x'}));"
        "document.body.appendChild(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))"
    )
    browser.run("new Promise(done => setTimeout(done, 300))")
    assert browser.run("window.bad") is None
    assert any("Content Security Policy" in str(one) for one in browser.of("Log.entryAdded"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("name", ["en", "fr", "hostile"])
def test_everybody_can_read_a_page(
    browser: Browser, pages: dict[str, Path], axe: str, name: str, width: str, colours: str
) -> None:
    browser("Page.setBypassCSP", enabled=True)
    dressed(browser, WIDTHS[width], colours)
    browser.open(pages[name].as_uri())
    first = browser.run("document.querySelector('h3').getBoundingClientRect().bottom")
    assert first < 844  # the cause is on the first screen
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    browser.run(axe + ";0")
    assert browser.run(SERIOUS) == []
    light = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (colours == "light")


def test_on_paper_all_is_unfolded(browser: Browser, pages: dict[str, Path]) -> None:
    browser("Page.setBypassCSP", enabled=True)
    browser.open(pages["en"].as_uri())
    height = "document.querySelector('details:not([open]) pre').getBoundingClientRect().height"
    dressed(browser, 1280, "light", "screen")
    assert not browser.run("document.querySelector('details:not([open]) pre').checkVisibility()")
    dressed(browser, 1280, "light", "print")
    assert browser.run(height) > 10
    dressed(browser, 1280, "light")
