"""Secrets in what is said of a fault, on a screen, in a mail, to a webhook: hidden by their place, without numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cozydiag.host import Host
from cozydiag.masking import HIDDEN, Masks
from cozydiag.redaction.redactor import WITHHELD, Redactor
from cozydiag.stack import Stack

_STAND_IN = re.compile(r"<(?:secret|token|hash|cookie)#\d+>|<private-key>")


def strict(host: Host, stack: Stack) -> Strict:
    """With the secrets that this host's own files have: for whole logs, which people paste somewhere."""
    from cozydiag.redaction import own

    return Strict(stack.masks(), own.gather(host, stack).secrets)


class Strict:
    """What ``masks`` hide, and what the rules find besides. Names and addresses stay: it is for this host's people."""

    def __init__(self, masks: Masks, secrets: Iterable[str] = ()) -> None:
        self._masks = masks
        self._redactor = Redactor()
        self._redactor.know(secrets)

    def mask(self, text: str) -> str:
        """``text``, of one line or several, with `***` for each secret. Where that fails, nothing of it."""
        try:
            return self._masks.mask("\n".join(self._hidden(text.split("\n"))))
        except Exception:  # noqa: BLE001  whatever it was, the text itself must not be shown
            return WITHHELD

    def lines(self, lines: Iterable[str]) -> list[str]:
        """The lines of one log, each hidden with what any of them gives away."""
        try:
            return [self._masks.mask(line) for line in self._hidden(lines)]
        except Exception:  # noqa: BLE001  as above
            return [WITHHELD]

    def _hidden(self, lines: Iterable[str]) -> list[str]:
        once = list(self._redactor.lines(lines))
        return [_STAND_IN.sub(HIDDEN, line) for line in self._redactor.again(once)]
