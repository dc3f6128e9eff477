"""`cozydiag config`: the settings in force, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import ConfigOption, LangOption, configuration, say, write
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config


def config(
    found: Annotated[
        bool, typer.Option("--found", help=say(t("Look what is here first: addresses as they were found.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.config.listing import explain, may_be_found

    settings = configuration(config)
    if found:
        settings = _settled(settings)
    for key, value, origin in explain(settings):
        open_ = not found and may_be_found(settings, key)
        told = say(t("default")) if origin == "default" else origin
        if open_:
            told = say(t("default, unless another is found: --found"))
        write(f"{key} = {value}  # {told}\n")
    return 0


def _settled(config: Config) -> Config:
    """With the addresses that a status would go by."""
    from cozydiag.host import Host, World
    from cozydiag.stack import Stack

    stack = Stack(config)
    stack.settle(Host(World(), config.timing.deadline, "config"))
    return stack.config
