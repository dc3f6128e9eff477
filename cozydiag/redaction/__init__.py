"""Redaction: what may not leave the house is taken out of text that somebody wants to show, in layers.

1. `blocks`: what stands on several lines (private keys, `[admins]`, files of one secret).
2. `keys`, `places`, `commands`, `shapes`: secrets by where they stand and by what they look like.
3. `known`: values that are known, in every form they can be written in; what 1 and 2 find is known from then on.
4. `identity`: addresses, names of machines and of people, each replaced by the same stand-in everywhere.

Whoever writes something calls `Redactor.lines`, then `Redactor.again` over everything, then `Redactor.leaks` over the
final text. This package is imported by the commands that write such text alone; what is always masked is `masking`.
"""

from cozydiag.redaction.pseudonyms import Pseudonyms
from cozydiag.redaction.redactor import LEFT_OUT, LONGEST, MARGIN, WITHHELD, Redactor

__all__ = ["LEFT_OUT", "LONGEST", "MARGIN", "WITHHELD", "Pseudonyms", "Redactor"]
