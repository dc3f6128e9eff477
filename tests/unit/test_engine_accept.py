"""What comes from outside reaches nobody's terminal as a command."""

from __future__ import annotations

from cozydiag.engine.accept import accepted
from cozydiag.model import Evidence, Finding, Status
from cozydiag.text import plural, t

EVIL = "a\x1b[31mb\x1b]0;title\x07c\x9b2Jd\r\u202ee\nf"
GOOD = "abcde f"


def test_every_part_of_a_finding_is_made_harmless() -> None:
    finding = Finding(
        Status.FAIL,
        "my.code",
        t("{one} and {two}", one=EVIL, two=t("{three}", three=EVIL)),
        advice=plural("{n} {name}", "{n} {name}", n=2, name=EVIL),
        commands=(EVIL,),
        proof=Evidence(EVIL, EVIL),
        by_hand=EVIL,
        unlock=EVIL,
        service=EVIL,
    )
    assert accepted(finding) == finding._replace(
        text=t("{one} and {two}", one=GOOD, two=t("{three}", three=GOOD)),
        advice=plural("{n} {name}", "{n} {name}", n=2, name=GOOD),
        commands=(GOOD,),
        proof=Evidence(GOOD, GOOD),
        by_hand=GOOD,
        unlock=GOOD,
        service=GOOD,
    )


def test_what_is_harmless_stays_as_it_is() -> None:
    finding = Finding(Status.WARN, "my.code", t("[red]{path}[/] été", path="/srv/été [1]"), advice=t("Look."))
    assert accepted(finding) == finding
