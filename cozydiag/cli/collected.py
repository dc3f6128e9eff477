"""`cozydiag read` of what `collect-script` has printed elsewhere. Imported for that alone."""

import sys
from datetime import datetime

from cozydiag.cli.common import INTERNAL, Problem, configuration, language, say, write
from cozydiag.cli.status import for_machines, show
from cozydiag.text import Text, t


def show_collected(words: str, layout: str, config: str | None, *, verbose: bool, redact: bool) -> int:
    """The diagnosis in a format of `status`, or with ``redact`` a report in a format of `report`. Without a
    configuration the usual places hold: that of this machine says nothing of the other one."""
    from cozydiag.collected.reading import diagnose
    from cozydiag.config.schema import build

    loaded = configuration(config) if config else build(None, {})
    found = diagnose(words.encode(), loaded)
    head = _head(found.report.host, found.at)
    if not found.whole:
        lost = say(t("the collected file breaks off: what came after is unknown"))
        print(f"cozydiag: {lost}", file=sys.stderr)
    if redact:
        from cozydiag.collected.posting import posted
        from cozydiag.report.guard import LeakError

        try:
            write(posted(found, head, layout, language()))
        except LeakError:
            raise Problem(t("nothing was written: a secret was left in it. Please report this."), INTERNAL) from None
    elif layout in ("terminal", "text"):
        write(f"{say(head)}\n\n")
        show(found.report, layout, verbose=verbose)
    else:
        write(for_machines(found.report, layout))
    return 0 if found.whole else 3


def _head(host: str, at: float) -> Text:
    when = datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M %z")
    return t("From a collected file of {host}, {when}. What was not collected is unknown.", host=host, when=when)
