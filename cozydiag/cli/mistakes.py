"""One sentence for a command line that typer does not take, in the reader's language."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import typer

from cozydiag.text import Text, t


def sentence(error: typer.TyperException) -> Text:
    """What is wrong with the command line, with the nearest word that exists or where to look."""
    kind, message = type(error).__name__, str(getattr(error, "message", error)).rstrip(".")
    context = getattr(error, "ctx", None)
    if kind == "NoSuchOption":
        option = str(getattr(error, "option_name", ""))
        known = [name for one in context.command.params for name in one.opts] if context else []
        return _nearest(t("there is no option {word}", word=option), option, known, context)
    if "No such command" in message and context is not None:
        word = message.split("'")[1] if "'" in message else ""
        return _nearest(t("there is no command {word}", word=word), word, list(context.command.commands), context)
    return t("{message} (see `{command} -h`)", message=_what(error, kind, message), command=_command(context))


def _what(error: typer.TyperException, kind: str, message: str) -> Text | str:
    parameter = getattr(error, "param", None)
    if kind == "MissingParameter" and parameter is not None:
        return t("{name} is missing", name=_name(parameter))
    if kind == "BadParameter" and parameter is not None and parameter.type.name.startswith(("int", "float")):
        low, high = getattr(parameter.type, "min", None), getattr(parameter.type, "max", None)
        if low is not None and high is not None:
            return t("{name} takes a number from {low} to {high}", name=_name(parameter), low=str(low), high=str(high))
        if low is not None:
            return t("{name} takes a number, {low} or more", name=_name(parameter), low=str(low))
        return t("{name} takes a number", name=_name(parameter))
    if empty := re.fullmatch(r"Option '(.*)' requires an argument", message):
        return t("{name} needs a word after it", name=empty[1])
    if extra := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        return t("nothing is known to do with {words}", words=extra[1])
    return message


def _name(parameter: Any) -> str:
    """As it is typed: an option's long name, an argument's word in the help."""
    if parameter.param_type_name == "option":
        return str(parameter.opts[-1])
    return str(parameter.metavar or parameter.name.upper()).strip("{}[]")


def _command(context: typer.Context | None) -> str:
    return context.command_path if context is not None else "cozydiag"


def _nearest(text: Text, word: str, known: list[str], context: typer.Context | None) -> Text:
    near = get_close_matches(word, known, 1, 0.5)
    if near:
        return t("{problem}; did you mean {near}?", problem=text, near=near[0])
    return t("{problem}; `{command} -h` shows what there is", problem=text, command=_command(context))
