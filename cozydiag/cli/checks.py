"""`cozydiag checks`: what is looked at, in which order, and where it comes from."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cozydiag.cli.common import ConfigOption, LangOption, configuration, say, without_secrets, wrapped, write
from cozydiag.model import Check
from cozydiag.text import t


def checks(
    graph: Annotated[bool, typer.Option("--graph", help=say(t("Show what rests on what.")))] = False,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help=say(t("With --graph: as a Mermaid flowchart, for documents.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.engine import registry

    found = registry.load(configuration(config).drop_ins)
    if graph or mermaid:
        from cozydiag.report import graph as drawn

        nodes = drawn.nodes(found.checks)
        write(drawn.mermaid(nodes, say) if mermaid else drawn.plain(nodes, say))
    else:
        for check in found.checks.values():
            write("\n".join(_lines(check)) + "\n")
    for error_result in found.errors:
        write(f"! {without_secrets(say(error_result.findings[0].text))}\n")
    return 3 if found.errors else 0


def _lines(check: Check) -> list[str]:
    subject = f":{check.each}" if check.each else ""
    lines = [f"{check.id}{subject}  {say(check.title)}"]
    if check.needs:
        lines.append(wrapped(say(t("needs {ids}", ids=", ".join(check.needs))), "    ", "        "))
    if check.because:
        lines.append(wrapped(say(t("explained by {ids}", ids=", ".join(check.because))), "    ", "        "))
    lines.append("    " + say(t("from {path}", path=_place(check.origin))))
    return lines


def _place(path: str) -> str:
    """`checks/host.py` of what comes with cozydiag, the whole path of what was added."""
    from cozydiag.engine.registry import builtin_folder

    folder = builtin_folder()
    return os.path.relpath(path, os.path.dirname(folder)) if path.startswith(f"{folder}/") else path
