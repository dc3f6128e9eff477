"""Known problems as data: what a line of a log means, what to do, and whether a restart would help."""

from cozydiag.rules.files import Loaded, load
from cozydiag.rules.rule import Rule
from cozydiag.rules.scan import Hit, Scanner, best

__all__ = ["Hit", "Loaded", "Rule", "Scanner", "best", "load"]
