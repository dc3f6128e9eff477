"""`cozydiag config`: the settings in force, and where each comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from cozydiag.cli.common import configuration, say, write
from cozydiag.text import t


def config(
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.config.listing import explain

    for key, value, origin in explain(configuration(config)):
        write(f"{key} = {value}  # {origin}\n")
    return 0
