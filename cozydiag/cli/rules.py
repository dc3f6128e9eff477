"""`cozydiag rules`: the known problems that logs are searched for. Not annotated lazily: see `status`."""

from string import Formatter
from typing import Annotated, Any

import typer

from cozydiag.cli.common import EXIT, ConfigOption, LangOption, Problem, configuration, group, say, wrapped, write
from cozydiag.model import Status
from cozydiag.rules.files import Loaded, beside, load
from cozydiag.text import Text, plural, t


def build(settings: dict[str, Any], help: str) -> typer.Typer:
    """The group of commands; without one of them the list."""
    app = group(settings, help, {
        "list": (listed, t("Each with its role, rank and meaning.")),
        "show": (show, t("All of one: patterns, remedy, examples.")),
        "test": (prove_all, t("Try every example, and lines made to be slow.")),
    })  # fmt: skip

    @app.callback(invoke_without_command=True)
    def list_or_command(
        context: typer.Context,
        config: ConfigOption = None,
        lang: LangOption = None,
    ) -> None:
        context.obj = config
        if context.invoked_subcommand is None:
            raise typer.Exit(_list(_loaded(config)))

    return app


def listed(
    context: typer.Context,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    return _list(_loaded(config or context.obj))


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RULE")],
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from difflib import get_close_matches

    rules = _loaded(config or context.obj).rules
    rule = rules.get(name)
    if rule is None:
        near = get_close_matches(name, rules, 1, 0.4)
        raise Problem(t("there is no rule {name}; did you mean {near}?", name=name, near=near[0]) if near
                      else t("there is no rule {name}; `cozydiag rules list` shows them", name=name))  # fmt: skip
    helps = {True: t("yes"), False: t("no"), None: t("it depends")}[rule.restart_helps]
    write(f"{rule.id} ({rule.role}, {rule.rank}, {rule.component})\n")
    write(wrapped(_words(rule.meaning), "    ") + "\n" + wrapped(_words(rule.remedy), "    ") + "\n")
    write("    " + say(t("A restart helps: {answer}", answer=helps)) + "\n")
    for pattern in rule.patterns:
        write(f"    {pattern.literal!r}" + (f"  {pattern.regex}" if pattern.regex else "") + "\n")
    for sign, lines in (("+", rule.match), ("-", rule.no_match)):
        write("".join(f"    {sign} {line}\n" for line in lines))
    write(f"    {rule.source}\n    " + say(t("from {path}", path=rule.origin)) + "\n")
    return 0


def prove_all(
    context: typer.Context,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.rules.proving import prove

    loaded = _loaded(config or context.obj)
    proof = prove(loaded.rules.values())
    for problem in (*loaded.problems, *proof.problems):
        write(f"! {say(problem)}\n")
    write(say(t("{rules} rules, {examples} examples; the slowest hostile line took {ms} ms ({rule}).",
                rules=len(loaded.rules), examples=proof.examples, ms=round(proof.slowest * 1000),
                rule=proof.slowest_rule)) + "\n")  # fmt: skip
    return EXIT[Status.FAIL] if loaded.problems or proof.problems else 0


def _loaded(config: str | None) -> Loaded:
    return load(beside(configuration(config).drop_ins))


def _words(template: str) -> str:
    """In the reader's language, with the names of what a line of a log would fill in."""
    names = (name for _, name, _, _ in Formatter().parse(template) if name)
    return say(Text(template, tuple((name, f"{{{name}}}") for name in names)))


def _list(loaded: Loaded) -> int:
    for rule in sorted(loaded.rules.values(), key=lambda rule: (-rule.rank, rule.id)):
        write(wrapped(_words(rule.meaning), f"{rule.rank:>3}  {rule.role:<7}  {rule.id:<28}  ", " " * 14) + "\n")
    for problem in loaded.problems:
        write(f"! {say(problem)}\n")
    write(say(plural("{n} rule", "{n} rules", n=len(loaded.rules))) + "\n")
    return EXIT[Status.FAIL] if loaded.problems else 0
