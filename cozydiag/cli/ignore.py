"""`cozydiag ignore`: problems that somebody has decided to live with."""

from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import UNWRITTEN, ConfigOption, LangOption, Problem, configuration, say, write
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.state import State
    from cozydiag.watch.ignored import Ignored


def ignore(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", show_default=False,
            help=say(t("Checks with their subject, such as host.disk:/, or codes; * stands for anything.")),
        ),
    ] = None,
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="WHEN", show_default=False,
            help=say(t("A day such as 2027-01-31, `change` (until it says something else), or `forever`.")),
        ),
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help=say(t("Why, for those who come later.")))
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help=say(t("Ignore these no longer.")))] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:  # fmt: skip
    from cozydiag.state import open_state
    from cozydiag.watch import ignored

    loaded = configuration(config)
    if ids and not remove and not until:
        raise Problem(t("say until when: --until 2027-01-31, --until change or --until forever"))
    end = _end(until) if until else ignored.FOREVER
    state = open_state(loaded.state_folder)
    try:
        known = ignored.load(state)
        if not ids:
            write(_listed(known))
            return 0
        kept = [one for one in known if one.id not in ids]
        if remove:
            return _removed(state, ids, known, kept)
        import time

        from cozydiag.cli.fix_look import who

        by = who()
        new = [ignored.Ignored(one, end, reason, by, time.time(), {}) for one in ids]
        _keep(state, [*kept, *new])
    finally:
        state.close()
    write(_listed(new) + _strangers(loaded.drop_ins, new))
    return 0


def _removed(state: "State", ids: list[str], known: "list[Ignored]", kept: "list[Ignored]") -> int:
    missing = [one for one in ids if one not in {other.id for other in known}]
    if missing:
        raise Problem(t("{id} is not ignored; `cozydiag ignore` lists what is", id=missing[0]))
    _keep(state, kept)
    gone = ", ".join(dict.fromkeys(ids))
    write(say(t("No longer ignored: {what}", what=gone)) + "\n")
    return 0


def _keep(state: "State", ignored: "list[Ignored]") -> None:
    from cozydiag.watch.ignored import save

    if not save(state, ignored):
        raise Problem(state.notes[0] if state.notes else t("the state cannot be written"), UNWRITTEN)


def _end(until: str) -> float | str:
    import time

    from cozydiag.watch import ignored

    if until in (ignored.CHANGE, ignored.FOREVER):
        return until
    for layout in ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%d/%m/%Y"):
        try:
            end = time.mktime(time.strptime(until, layout))
        except (ValueError, OverflowError):
            continue
        if end <= time.time():
            raise Problem(t("{until} is over already", until=until))
        return end
    raise Problem(t("--until takes a day such as 2027-01-31, change or forever, not {until}", until=until))


def _listed(known: "list[Ignored]") -> str:
    import time

    if not known:
        return say(t("Nothing is ignored.")) + "\n"
    now, lines = time.time(), []
    for one in known:
        end = t("its time is over") if one.expired(now) else one.words()
        lines.append(
            say(t("{id}: {until}, by {by}", id=one.id, until=end, by=one.by))
            + (f" ({one.reason})" if one.reason else "")
        )
    return "\n".join(lines) + "\n"


def _strangers(drop_ins: str, new: "list[Ignored]") -> str:
    """What no check is called: accepted, as it may come with the next version or a drop-in, and said."""
    from fnmatch import fnmatchcase

    from cozydiag.engine import registry

    names = list(registry.load(drop_ins).checks)
    families = {name.partition(".")[0] for name in names}  # a code begins as its check does
    known = {
        one.id for one in new
        if one.id.partition(".")[0] in families or any(fnmatchcase(name, one.id.partition(":")[0]) for name in names)
    }  # fmt: skip
    strange = [one.id for one in new if one.id not in known]
    return "".join(say(t("No check is called {id} now; it is kept all the same.", id=one)) + "\n" for one in strange)
