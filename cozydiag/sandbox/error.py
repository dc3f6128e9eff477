"""What goes wrong with the sandbox itself."""

from __future__ import annotations

from cozydiag.text import Text


class SandboxError(Exception):
    """The sandbox could not do what was asked; ``text`` says why and what to do, in one sentence."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text.template.format(**dict(self.text.params))
