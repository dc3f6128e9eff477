"""The version of node against what each part of a Cozy v2 asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from cozydiag.config.values import STACK_PARTS
from cozydiag.cozy.monitor import answering
from cozydiag.findings import fail, ok, skip, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.cozy_monitor import LOGS
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import name_of
from cozydiag.text import t

APPS: Final = "/usr/local/cozy/apps"

_NO_NET = re.compile(r"No appropiate net override for node version (\S+)")  # as it spells it
_NEEDS = re.compile(r"(>=|\^|~|>|<=|<|=)?\s*v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?")


def look(host: Host, stack: Stack) -> Iterator[Finding]:
    """The version of node against what each part asks for, and what its log says of it."""
    done = host.run(("node", "--version"))
    if isinstance(done, Failure):
        done = host.run(("nodejs", "--version"))
    said = "" if isinstance(done, Failure) else one_line(done.stdout.strip(), 40)
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:3])
    if not version:
        yield skip(t("no node was found to ask for its version"))
        return
    wrong = list(_wrong_versions(host, stack, said, version))
    yield from wrong
    if not wrong and not any(_engine(host, part) for part in stack.config.parts):
        yield skip(t("no part of the Cozy says which node it asks for"))
    elif not wrong:
        yield ok(t("node {version} is what the parts of the Cozy ask for", version=said))


def _wrong_versions(host: Host, stack: Stack, said: str, version: tuple[int, ...]) -> Iterator[Finding]:
    """One finding for each part that dies of it, and one for all others that ask for another node."""
    unmet: dict[str, str] = {}
    for part in (part for part in stack.config.parts if part not in STACK_PARTS):
        needs = _engine(host, part)
        if needs is not None and satisfies(version, needs):
            continue
        log = host.tail(f"{LOGS}/{part}.log", 40)
        line = next((one for one in ([] if isinstance(log, Failure) else log) if _NO_NET.search(one)), "")
        if line and answering(host, stack, f"cozy.{part}") is not None:
            yield _finding({part: needs or "4"}, said, host.see(f"{LOGS}/{part}.log", line), dies=True)
        elif needs is not None:
            unmet[part] = needs
    if unmet:
        yield _finding(unmet, said, Evidence("node --version", said), dies=False)


def _finding(unmet: dict[str, str], said: str, proof: Evidence, *, dies: bool) -> Finding:
    broken = fail if dies else warn
    part = next(iter(unmet))
    return broken(
        "cozy.node_version",
        t("{names}: made for node {needs}, and {version} is installed",
          names=", ".join(name_of(f"cozy.{one}", one) for one in unmet), needs=unmet[part], version=said),
        t("These parts ran with node 0.10 to 4 and are not made any more: put that version back if you can, back "
          "up CouchDB and /usr/local/cozy, and plan the move to a cozy-stack."),
        role=f"cozy.{part}",
        proof=proof,
        by_hand="node --version",
        restart_helps=False,
        affects=(f"cozy.{part}",) if dies else (),
    )  # fmt: skip


def _engine(host: Host, part: str) -> str | None:
    """`engines.node` of its package.json; None where there is none."""
    for path in (f"{APPS}/{part}/node_modules/cozy-{part}/package.json", f"{APPS}/{part}/package.json"):
        content = host.read(path)
        try:
            found = {} if isinstance(content, Failure) else json.loads(content)
        except (ValueError, RecursionError):
            continue
        engines = found.get("engines") if isinstance(found, dict) else None
        if isinstance(engines, dict) and isinstance(engines.get("node"), str):
            return str(engines["node"])
    return None


def satisfies(version: tuple[int, ...], needs: str) -> bool:
    """Ranges as npm writes them: `>=0.10 <5`, `^4.2`, `0.10.x || 4`. What is not understood is met."""
    return any(
        all(_meets(version, *part) for part in _NEEDS.findall(choice)) for choice in needs.split("||")
    )  # fmt: skip


def _meets(version: tuple[int, ...], sign: str, *numbers: str) -> bool:
    wanted = tuple(int(number) for number in numbers if number.isdigit())
    have = version[: len(wanted)]
    if sign in (">=", ">"):
        return have >= wanted if sign == ">=" else have > wanted
    if sign in ("<=", "<"):
        return have <= wanted if sign == "<=" else have < wanted
    if sign == "^":
        return version >= wanted and version[0] == wanted[0] and (wanted[0] > 0 or version[:2] == wanted[:2])
    if sign == "~":
        return version >= wanted and version[: min(2, len(wanted))] == wanted[:2]
    return have == wanted
