"""The real command in a process of its own: exit codes, options, languages, and outputs of every kind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import cozydiag
from cozydiag import __version__
from cozydiag.sandbox import Sandbox
from tests.e2e.terminal import Terminal

COMMAND = (sys.executable, "-m", "cozydiag")
NOBODY = 65534


def environment(**changes: str) -> dict[str, str]:
    """Ours, without what would choose a language, a configuration or colours."""
    kept = ("PATH", "HOME")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **changes}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
    )


# --- without a stack: checks of our own, which say what we want

CHECKS = """
from cozydiag.api import *

@check("say.ok", t("All is well"))
def fine(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("All is well"))

@check("say.warning", t("A warning"))
def warning(host: Host, stack: Stack) -> Iterator[Finding]:
    yield warn("say.warning", t("it is worn — très usé"), t("Make room soon."))

@check("say.critical", t("A failure"))
def critical(host: Host, stack: Stack) -> Iterator[Finding]:
    yield fail("say.critical", t("it is broken"), t("Make room soon."))

@check("say.unknown", t("An unknown"), essential=True)
def blind(host: Host, stack: Stack) -> Iterator[Finding]:
    yield unknown("say.unknown", t("it cannot be seen"), unlock="sudo look")
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cozydiag")
    (folder / "checks.d").mkdir(mode=0o755)
    (folder / "checks.d/say.py").write_text(CHECKS, encoding="utf-8")
    (folder / "checks.d/say.py").chmod(0o644)
    (folder / "config.toml").write_text("discover = false\n")
    return str(folder / "config.toml")


def say(config: str, *words: str) -> tuple[str, ...]:
    """Arguments for a run that says these words."""
    return ("status", "--config", config, "--only", ",".join(f"say.{word}" for word in words))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ok",), 0),
        (("ok", "warning"), 1),
        (("warning", "critical", "unknown"), 2),
        (("warning", "unknown"), 3),
    ],
)
def test_the_exit_code_is_the_verdict(config: str, words: tuple[str, ...], code: int) -> None:
    done = run(*say(config, *words))
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(
    ("level", "codes"),
    [("warning", [0, 1, 3, 2]), ("unknown", [0, 0, 3, 2]), ("critical", [0, 0, 0, 2])],
)
def test_fail_on_says_from_where_it_matters(config: str, level: str, codes: list[int]) -> None:
    words = ("ok", "warning", "unknown", "critical")
    assert [run(*say(config, word), "--fail-on", level).returncode for word in words] == codes


def test_quiet_says_nothing_only_when_all_is_well(config: str) -> None:
    well, worn = run(*say(config, "ok"), "--quiet"), run(*say(config, "warning"), "-q")
    assert (well.stdout, well.stderr, well.returncode) == ("", "", 0)
    assert "it is worn" in worn.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("statsu",), 64, "there is no command statsu; did you mean status?"),
        (("status", "--formt", "json"), 64, "there is no option --formt; did you mean --format?"),
        (
            ("status", "--format", "xml"),
            64,
            "--format takes one of terminal, text, json, jsonl, nagios, prometheus, junit, not 'xml'",
        ),
        (("status", "--fail-on", "never"), 64, "--fail-on takes one of warning, unknown, critical, not 'never'"),
        (("status", "--only", ","), 64, "--only takes a check or a pattern, such as couchdb.* or stack.home"),
        (("status", "--deadline", "-1"), 64, "--deadline takes seconds, more than 0"),
        (("status", "--deadline", "soon"), 64, "--deadline takes a number (see `cozydiag status -h`)"),
        (("status", "cozy.example.org"), 64, "; did you mean https://cozy.example.org/?"),
        (("status", "--format"), 64, "--format needs a word after it"),
        (("journal", "-n", "0"), 64, "--lines takes a number from 1 to 10000 (see `cozydiag journal -h`)"),
        (("fix", "--max-actions", "0"), 64, "--max-actions takes a number, 1 or more (see `cozydiag fix -h`)"),
        (("services", "show"), 64, "NAME is missing (see `cozydiag services show -h`)"),
        (("curlcouch", "a", "b"), 64, "nothing is known to do with b (see `cozydiag curlcouch -h`)"),
        (("rules", "explode"), 64, "there is no command explode; `cozydiag rules -h` shows what there is"),
        (("status", "more"), 64, "more is not an address that begins with http:// or https://"),
        *(
            (words, 64, "/nonexistent/x cannot be read: ")
            for words in (
                ("read", "/nonexistent/x"),
                ("diff", "/nonexistent/x", "/nonexistent/y"),
                ("logs", "/nonexistent/x"),
                ("logs", "--new", "/nonexistent/x"),
                ("redact", "/nonexistent/x"),
            )
        ),
        (("status", "--config", "/nonexistent/x.toml"), 78, "/nonexistent/x.toml: there is no such file"),
        (("checks", "--config", "/nonexistent/x.toml"), 78, "/nonexistent/x.toml: there is no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], code: int, complaint: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("cozydiag: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_of_that_name_is_a_mistake(config: str) -> None:
    done = run("status", "--config", config, "--only", "say.nothing")
    assert (done.returncode, done.stderr) == (
        64,
        "cozydiag: no check is called say.nothing; `cozydiag checks` lists them\n",
    )


def test_a_broken_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("discover = false\n[timing]\nlocal = 'soon'\n")
    done = run("status", "--config", str(path))
    assert done.returncode == 78
    assert f"{path}, line 3: timing.local must be a number of seconds" in done.stderr


def test_globs_choose_and_leave_out(config: str) -> None:
    done = run("status", "--config", config, "--only", "say.*", "--skip", "say.c*,say.unknown", "--format", "json")
    assert [result["id"] for result in json.loads(done.stdout)["results"]] == ["say.ok", "say.warning"]
    assert done.returncode == 1


@pytest.mark.parametrize("arguments", [("-h",), ("--help",), ("status", "-h"), ("checks", "-h")])
def test_help(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: cozydiag")


def test_the_readme_and_the_help_know_the_same_commands() -> None:
    readme = (Path(cozydiag.__file__).parents[1] / "README.md").read_text("utf-8")
    commands = re.findall(r"^  ([a-z-]+)  ", run("-h").stdout.split("Commands:")[1], re.MULTILINE)
    assert len(commands) > 20
    assert [name for name in commands if f"`cozydiag {name}" not in readme] == []


def test_version() -> None:
    done = run("--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"cozydiag {__version__}\n", "", 0)


def test_checks_are_listed_with_where_they_come_from(config: str) -> None:
    done = run("checks", "--config", config)
    assert done.returncode == 0
    assert f"say.ok  All is well\n    from {Path(config).parent}/checks.d/say.py\n" in done.stdout
    assert "couchdb.up  CouchDB is in service\n    needs couchdb.reach\n" in done.stdout
    assert "\n    from checks/couchdb.py\n" in done.stdout


def test_without_a_history_it_is_said_what_writes_one(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[paths]\nstate = '{tmp_path}/state'\n")
    for done in (run("diff", "--config", str(config)), _with_a_state(tmp_path, config)):
        assert (done.returncode, done.stdout) == (69, "")
        assert done.stderr == "cozydiag: there is no history yet: `cozydiag cron` writes one\n"


def _with_a_state(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """That has no history: `fix` has written it, or `maintenance`."""
    assert run("maintenance", "on", "--for", "1h", "--config", str(config)).returncode == 0
    assert (folder / "state/state.db").exists()
    return run("diff", "--config", str(config))


# --- languages and outputs


def test_french_by_environment_and_by_option(config: str) -> None:
    by_environment = run(*say(config, "warning"), LANG="fr_FR.UTF-8").stdout
    by_option = run(*say(config, "warning"), "--lang", "fr").stdout
    assert by_environment == by_option
    assert "Faites bientôt de la place." in by_option


def test_french_mistakes_and_help() -> None:
    assert "vouliez-vous dire" in run("statsu", LANG="fr_FR.UTF-8").stderr.lower()
    assert run("-h", LC_ALL="fr_FR.UTF-8").stdout != run("-h").stdout


@pytest.mark.parametrize("layout", ["terminal", "text", "json"])
@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=["C", "latin-1", "ascii"],
)
def test_any_encoding_takes_the_output(config: str, layout: str, variables: dict[str, str]) -> None:
    done = run(*say(config, "warning"), "--lang", "fr", "--format", layout, **variables)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Faites bient" in done.stdout or "Make room soon" in done.stdout
    if "ascii" in variables.values():
        assert done.stdout.isascii()
        assert "tres use" in done.stdout or "tr\\u00e8s us\\u00e9" in done.stdout


def shell(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = ["/bin/bash", "-c", script, "sh", *COMMAND, *arguments]
    return subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("layout", ["terminal", "text", "json"])
def test_a_reader_that_goes_away_changes_no_verdict(config: str, layout: str) -> None:
    done = shell('"$@" | true; exit ${PIPESTATUS[0]}', *say(config, "ok", "critical"), "--format", layout)
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_verdict(config: str, closing: str) -> None:
    done = shell(f'"$@" {closing}', *say(config, "critical"))
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("layout", ["text", "terminal", "json"])
def test_an_output_that_cannot_be_written_is_one_sentence(config: str, layout: str) -> None:
    arguments = (*say(config, "warning"), "--format", layout)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], env=environment(), stdout=full, stderr=subprocess.PIPE,
                              timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stderr.count(b"\n")) == (74, 1)
    assert b"could not be written whole" in done.stderr


def on_a_terminal(*arguments: str, **variables: str) -> tuple[str, int]:
    """What the command prints on a terminal, and its exit code."""
    terminal = Terminal([*COMMAND, *arguments], environment(TERM="xterm-256color", COLUMNS="80", **variables))
    code = terminal.end()
    return terminal.said, code


def test_a_terminal_gets_colours_and_a_pipe_gets_none(config: str) -> None:
    output, code = on_a_terminal(*say(config, "critical"))
    assert code == 2
    assert "\x1b[1;31m✗ it is broken" in output
    assert "\x1b" not in run(*say(config, "critical")).stdout


def test_no_color_is_obeyed_on_a_terminal(config: str) -> None:
    output, _ = on_a_terminal(*say(config, "critical"), NO_COLOR="1")
    assert "✗ it is broken" in output
    assert "\x1b[1;31m" not in output


# --- on a real stack


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox.create()
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.remove()


def schema_flaws(output: str) -> list[str]:
    path = Path(cozydiag.__file__).parent / "report/status-1.schema.json"
    validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    return [f"{flaw.json_path}: {flaw.message}" for flaw in validator.iter_errors(json.loads(output))]


def test_a_healthy_stack_is_well_in_every_format(sandbox: Sandbox) -> None:
    outputs = [run("status", "--config", sandbox.config, "--format", one) for one in ("terminal", "text", "json")]
    assert [(done.returncode, done.stderr) for done in outputs] == [(0, "")] * 3
    assert schema_flaws(outputs[2].stdout) == []
    assert run("status", "--config", sandbox.config, "--quiet").stdout == ""


def test_one_fault_is_one_cause(sandbox: Sandbox) -> None:
    sandbox.couchdb("wrong-password")
    try:
        done = run("status", "--config", sandbox.config, "--format", "json")
    finally:
        sandbox.couchdb("healthy")
    assert done.returncode == 2
    assert schema_flaws(done.stdout) == []
    report: dict[str, Any] = json.loads(done.stdout)
    assert [cause["code"] for cause in report["causes"]] == ["couchdb.credentials_refused"]


def test_only_and_skip_on_a_real_stack(sandbox: Sandbox) -> None:
    arguments = ("--only", "supervisor.program:cozy-h*", "--format", "json")
    done = run("status", "--config", sandbox.config, *arguments)
    assert [result["subject"] for result in json.loads(done.stdout)["results"]] == ["cozy-home"]


def python_for_nobody() -> str | None:
    """A Python that an ordinary user can run: ours may lie in a home of root's."""
    for path in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        probe = "import sys; raise SystemExit(sys.version_info < (3, 10))"
        try:
            if path and not subprocess.run([path, "-c", probe], user=NOBODY, group=NOBODY, check=False).returncode:
                return path
        except OSError:
            continue
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_what_an_ordinary_user_may_not_see_is_unknown(sandbox: Sandbox) -> None:
    python = python_for_nobody()
    if python is None:
        pytest.skip("nobody can run no Python >= 3.10 here")
    places = [str(Path(cozydiag.__file__).parents[1]), *(place for place in sys.path if "site-packages" in place)]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        config = shutil.copy(sandbox.config, folder)
        os.chmod(config, 0o644)
        done = subprocess.run(
            [python, "-m", "cozydiag", "status", "--config", config, "--format", "json"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(places), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (3, "")
    report = json.loads(done.stdout)
    blind = {one["id"]: one["unlock"] for one in report["not_looked"]}
    closed = {"supervisor.running", "couchdb.login", "proxy.running", "proxy.config"}
    assert closed <= blind.keys()
    assert [name for name in closed if not blind[name].startswith("sudo ")] == []
    assert [name for name in closed if not blind[name].endswith(f" status --config {config}")] == []
    assert report["causes"] == []


def test_help_is_in_one_language_wherever_it_is_named() -> None:
    for words in (("--lang", "fr", "--help"), ("status", "-h", "--lang=fr"), ("--lang", "fr", "services", "-h")):
        done = run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Utilisation\xa0: cozydiag" in done.stdout
        assert "Montrer cette aide." in done.stdout
        assert not {"Usage", "Show", "Commands", "default"}.intersection(done.stdout.replace(":", " ").split())
    assert "Usage: cozydiag" in run("--help").stdout


def test_monitoring_gets_a_sentence_and_its_own_codes_for_mistakes_too(config: str) -> None:
    worn = run(*say(config, "warning"), "--format", "nagios")
    assert (worn.returncode, worn.stdout.split(" | ")[0]) == (1, "COZY WARNING - it is worn — très usé")
    for words in (("status", "--config", "/nowhere"), ("status", "--nonsense"), ("status", "--only", "no.such.check")):
        done = run(*words, "--format=nagios")
        assert (done.returncode, done.stderr, done.stdout[:15]) == (3, "", "COZY UNKNOWN - ")


@pytest.mark.parametrize("layout", ["json", "jsonl", "prometheus", "junit"])
def test_every_format_ends_with_a_line_end(config: str, layout: str) -> None:
    done = run(*say(config, "warning"), "--format", layout)
    assert (done.returncode, done.stderr, done.stdout[-1:]) == (1, "", "\n")
    assert (done.stdout.count("\n") == 1) is (layout == "jsonl")


def test_a_language_that_is_not_spoken_is_said(config: str) -> None:
    done = run(*say(config, "ok"), "--lang", "xx")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == "cozydiag: --lang takes one of en, fr, not 'xx'\n"
    assert run(*say(config, "ok"), "--lang", "fr_FR.UTF-8").returncode == 0
