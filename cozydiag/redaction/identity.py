"""Names and addresses of machines and people: each gets a stand-in, and the shape of what it is part of stays."""

from __future__ import annotations

from collections.abc import Iterable

from cozydiag.redaction.addresses import Addresses
from cozydiag.redaction.names import Names
from cozydiag.redaction.pseudonyms import Pseudonyms, StandIns


class Identity:
    """``domains`` and ``hosts`` are this host's own names, ``users`` the login names of its people."""

    def __init__(self, domains: Iterable[str] = (), hosts: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        self._names = Names(domains, hosts, users)
        self._addresses = Addresses()

    def use(self, pseudonyms: Pseudonyms, shown: dict[str, set[str]]) -> None:
        """Numbers come from ``pseudonyms``; every stand-in that is used is put into ``shown``, by kind."""
        self._stand_ins = StandIns(pseudonyms, shown)

    def hide(self, text: str) -> str:
        """``text`` with stand-ins; it may have many lines."""
        return self._addresses.hide(self._names.hide(text, self._stand_ins), self._stand_ins)
