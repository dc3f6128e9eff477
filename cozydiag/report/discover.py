"""`cozydiag discover`: what was found, by which signs, at which addresses, and what that means for the checks."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cozydiag.config.values import Config
from cozydiag.cozy.flavour import USUAL, Flavour, Place
from cozydiag.cozy.kind import LOOKED_FOR, Seen, sentence
from cozydiag.managers.service import Manager
from cozydiag.report.plain import Say, capital
from cozydiag.stack import ROLES, Site
from cozydiag.stack.ownership import title
from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, render


class Found(NamedTuple):
    """All that discovery has to tell. ``config`` has the addresses that are in force."""

    seen: Seen
    managers: tuple[Manager, ...]
    config: Config
    others: tuple[Site, ...]
    """Sites of other programs that are not looked at beside a Cozy."""

    @property
    def nothing(self) -> bool:
        return not (self.seen.flavours or self.seen.sites or self.seen.couchdb is not None)


def as_text(found: Found, say: Say) -> str:
    """For people, ending with a line end."""
    lines = [_headline(found, say)]
    for flavour in found.seen.flavours:
        lines += ["", *_flavour(flavour, say)]
    if found.seen.couchdb is not None:
        url, told = _couchdb(found.config)
        lines += ["", "CouchDB", *_rows([("", url, origin(told, say))])]
    lines += _sites(found, say)
    if found.managers:
        lines += [
            "",
            say(t("Managers of services")),
            *(f"  {title(one)}  {one.place}".rstrip() for one in found.managers),
        ]
    lines += ["", *_next(found, say)]
    return "\n".join(lines) + "\n"


def _headline(found: Found, say: Say) -> str:
    if found.nothing:
        return say(t("There is nothing here to look after. Looked for: {what}.", what=LOOKED_FOR))
    return capital(say(sentence(found.seen)))


def _flavour(flavour: Flavour, say: Say) -> list[str]:
    lines = [flavour.name]
    lines += _rows(
        [
            (ROLES.get(one.role, one.role.rpartition(".")[2]), shown(one) or "-", origin(one.origin, say))
            for one in flavour.places
        ]
    )
    lines += ["  " + say(t("seen: {what}", what=f"{one.source} ({one.line})")) for one in flavour.evidence]
    lines.append("  " + say(meaning(flavour)))
    return lines


def shown(place: Place) -> str:
    """Its address without user and password."""
    scheme, _, rest = place.url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else ""


def origin(words: str, say: Say) -> str:
    """Where an address comes from, in words where nothing told it."""
    return say(t("the usual one: nothing here tells another")) if words in (USUAL, "default") else words


def meaning(flavour: Flavour) -> Text:
    """Which checks look at it."""
    if flavour.container is not None and not any(place.url for place in flavour.places):
        return t("Looked at through its engine alone: it publishes no port that can be reached from here.")
    if flavour.kind == "v2":
        return t("Looked at by the checks stack.* and cozy.*, and everything that they need.")
    return t("Looked at by the checks cozystack.*, and everything that they need.")


def _rows(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(2)] if rows else [0, 0]
    return [f"  {name:{widths[0]}}  {url:{widths[1]}}  {told}" for name, url, told in rows]


def _sites(found: Found, say: Say) -> list[str]:
    lines = []
    if found.seen.sites:
        lines += ["", say(t("Sites")), *_rows([("", site.url, site.origin) for site in found.seen.sites])]
    if found.others:
        lines += ["", say(t("Sites of other programs, not looked at beside a Cozy unless they are configured"))]
        lines += _rows([("", site.url, site.origin) for site in found.others])
    return lines


def _next(found: Found, say: Say) -> list[str]:
    if found.nothing:
        return [
            say(t("To have a site looked at all the same, write this into /etc/cozydiag/config.toml:")),
            "",
            "    [[sites]]",
            '    url = "https://www.example.org/"',
        ]
    return [say(t("`sudo cozydiag discover --write` writes this down as a configuration, for you to correct."))]


def as_json(found: Found) -> str:
    """Schema `cozydiag.discover/1`; texts in English."""
    return json.dumps(as_data(found), indent=2) + "\n"


def as_data(found: Found) -> dict[str, Any]:
    """The same as plain data."""
    seen = found.seen
    return {
        "schema": "cozydiag.discover/1",
        "nothing": found.nothing,
        "system": seen.system,
        "summary": None if found.nothing else render(sentence(seen), ENGLISH),
        "stacks": [_stack(flavour) for flavour in seen.flavours],
        "couchdb": None
        if seen.couchdb is None
        else {
            "url": found.config.couchdb.url,
            "origin": found.config.origins.get("couchdb.url", "default"),
            "manager": seen.couchdb or None,
        },
        "mail": seen.mail or None,
        "sites": [{"url": site.url, "origin": site.origin} for site in seen.sites],
        "other_sites": [{"url": site.url, "origin": site.origin} for site in found.others],
        "managers": [title(manager) for manager in found.managers],
    }


def _stack(flavour: Flavour) -> dict[str, Any]:
    return {
        "kind": flavour.kind,
        "name": flavour.name,
        "way": flavour.way or None,
        "addresses": [{"role": one.role, "url": shown(one) or None, "origin": one.origin} for one in flavour.places],
        "evidence": [{"source": one.source, "line": one.line} for one in flavour.evidence],
        "meaning": render(meaning(flavour), ENGLISH),
    }


# -- a configuration ------------------------------------------------------------------------------------


def as_toml(found: Found, say: Say) -> str:
    """A configuration of what was found. What is only the usual address stands in comments."""
    written = t("Written by `cozydiag discover --write`. Take out what should be searched for each time.")
    switch = t("false: only what stands here is looked at.")
    lines = ["# " + say(written), "", "# " + say(switch), "discover = true"]
    for site in (*found.seen.sites, *found.others):
        off = "# " if site in found.others else ""
        lines += ["", f"# {site.origin}", f"{off}[[sites]]", f"{off}url = {json.dumps(site.url)}"]
        lines.append(f"{off}address = {json.dumps(_endpoint(site.address))}")
    lines += _addresses(found, say)
    return "\n".join(lines) + "\n"


def _endpoint(address: tuple[str, int]) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _addresses(found: Found, say: Say) -> list[str]:
    """CouchDB without its login, which stays where it is. Containers get other addresses when they are made anew."""
    rows = {"couchdb": Place("couchdb", *_couchdb(found.config))} if found.seen.couchdb is not None else {}
    for place in (place for flavour in found.seen.flavours for place in flavour.places if place.url):
        rows.setdefault(f"parts.{place.role.partition('.')[2]}" if "." in place.role else place.role, place)
    lines: list[str] = []
    for table, place in rows.items():
        off = "# " if place.origin in ("default", USUAL) or place.origin.startswith(("docker", "podman")) else ""
        lines += ["", f"# {origin(place.origin, say)}", f"{off}[{table}]", f"{off}url = {json.dumps(shown(place))}"]
    return lines


def _couchdb(config: Config) -> tuple[str, str]:
    return config.couchdb.url, config.origins.get("couchdb.url", "default")
