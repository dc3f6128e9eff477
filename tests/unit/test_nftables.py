"""What nftables does with people from outside, by rules as `nft -j list ruleset` (1.0.6) lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cozydiag.site.nftables import Packet, Ruleset

RECORDED = Path(__file__).parents[1] / "recordings" / "nftables"


def read(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("rules", "port", "interface", "fate"),
    [
        ("open", 443, "", "accept"),
        ("workstation", 443, "eth0", "drop"),
        ("workstation", 22, "eth0", "accept"),
        ("workstation", 443, "lo", "accept"),
        ("server", 443, "eth0", "accept"),
        ("server", 80, "", "accept"),
        ("workstation", 443, "", "drop"),  # nobody from outside comes over the loopback
        ("server", 8080, "eth0", "drop"),
        ("range", 443, "", "accept"),
        ("range", 80, "", "drop"),
        ("zones", 443, "eth0", "accept"),
        ("zones", 80, "eth0", "drop"),
        ("zones", 80, "eth1", "accept"),
        ("interface", 443, "eth0", "accept"),
        ("interface", 443, "eth9", "drop"),
        ("interface", 443, "", None),
        ("interface", 80, "eth0", "drop"),
    ],
)
def test_what_becomes_of_a_connection(rules: str, port: int, interface: str, fate: str | None) -> None:
    assert Ruleset(read(rules)).fate(Packet("ip", port, interface)) == fate


def test_rules_for_the_other_family_do_not_count() -> None:
    assert Ruleset(read("interface")).fate(Packet("ip6", 443, "eth0")) == "accept"


def test_a_match_that_is_not_put_into_words_may_fit_or_not() -> None:
    listing = read("workstation")
    rule = next(one["rule"] for one in listing["nftables"] if "rule" in one and "22" in json.dumps(one))
    rule["expr"] = [{"xt": None}, {"accept": None}]
    assert Ruleset(listing).fate(Packet("ip", 443, "eth0")) is None


def test_chains_that_jump_to_each_other_come_to_an_end() -> None:
    listing = read("zones")
    for one in listing["nftables"]:
        if one.get("rule", {}).get("chain") == "filter_IN_public_allow":
            one["rule"]["expr"] = [{"jump": {"target": "filter_IN_public"}}]
    assert Ruleset(listing).fate(Packet("ip", 443, "eth0")) is None


@pytest.mark.parametrize("listing", [None, [], {}, {"nftables": None}, {"nftables": [1]}, {"nftables": [{"rule": 1}]}])
def test_what_is_no_listing_is_told(listing: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Ruleset(listing)
