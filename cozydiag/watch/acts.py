"""What was done to a service, in words: for the journal and for reports."""

from __future__ import annotations

from typing import Any

from cozydiag.state import Entry, texts
from cozydiag.text import Seconds, Text, When, t, verbatim


def told(one: Entry) -> list[Text]:
    """What was done to which service and what came of it; then what the proof said, where there is one."""
    data, result = (part if isinstance(part, dict) else {} for part in (one.data, one.result))
    lines = [t("{when}  {verb} {service}: {outcome}", when=When(one.at), verb=str(data.get("verb", "")),
               service=str(data.get("service", "")), outcome=outcome(one, result))]  # fmt: skip
    if result.get("text"):
        said = texts.from_data(result.get("said")) or verbatim(str(result["text"]))
        seconds = result.get("seconds")
        if isinstance(seconds, (int, float)):
            said = t("{text} ({seconds})", text=said, seconds=Seconds(seconds))
        lines.append(said)
    return lines


def outcome(one: Entry, result: dict[str, Any]) -> Text:
    """One word or two."""
    if one.kind == "seen":
        return t("seen: others did it")
    if not result:
        return t("unknown: it was cut off, or is under way")
    words = {
        "verified": t("verified"), "failed": t("failed"), "refused": t("refused"), "deferred": t("put off"),
        "held": t("held"), "unknown": t("unknown"),
    }  # fmt: skip
    found = words.get(str(result.get("result")), verbatim(str(result.get("result"))))
    if "proven_at" in result:
        return t("{outcome}, proven by health since", outcome=found)
    return found
