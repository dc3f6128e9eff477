"""One sentence that says what this server is; where it is nothing of the kind, what was looked for and what is here."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.model import Finding
from cozydiag.stack import Stack


def look(host: Host, stack: Stack) -> Finding: ...
