"""`cozydiag curlcouch PATH`: ask CouchDB, with the apps' own login and no password on any command line.

Not annotated lazily: see `status`.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import EXIT, UNAVAILABLE, ConfigOption, LangOption, Problem, configuration, say, write
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.couchdb.client import Reply
    from cozydiag.host import Host
    from cozydiag.stack import Stack

_MAX_BODY = 32 << 20


def curlcouch(
    path: Annotated[str, typer.Argument(metavar="PATH", help=say(t("Below the apps' database; / is the database.")))],
    server: Annotated[bool, typer.Option("--server", help=say(t("Below the server's root instead.")))] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.couchdb import memory
    from cozydiag.host import Failure, Host, World
    from cozydiag.stack import Stack

    stack = Stack(configuration(config))
    host = Host(World(), stack.config.timing.deadline, "curlcouch")
    stack.settle(host)
    loaded = stack.config
    stack.refusal, stack.may_log_in = memory.recall(loaded), memory.may_try(loaded)
    reply = _ask(host, stack, _target(host, stack, path, server=server))
    memory.keep(loaded, stack.refusal)
    if isinstance(reply, Failure):
        raise Problem(_unanswered(loaded, stack, reply.detail), UNAVAILABLE)
    write(stack.masks().mask(_shown(reply)) + "\n")
    return EXIT[Status.OK] if 200 <= reply.status < 300 else EXIT[Status.FAIL]


def _target(host: "Host", stack: "Stack", path: str, *, server: bool) -> str:
    """The path on the server. A view is asked for as it is: reading it must not start an index of hours."""
    from cozydiag.couchdb import access, path_of

    if any(ord(letter) < 33 for letter in path):
        raise Problem(t("a path has no blanks in it: write %20"))
    below = path.lstrip("/")
    base = "" if server else path_of(access.expected(stack, host)[0])
    target = f"{base}/{below}" if below or not base else base
    if "/_view/" in target and "update=" not in target and "stale=" not in target:
        target += ("&" if "?" in target else "?") + ("stale=ok" if access.is_old(stack, host) else "update=false")
    return target


def _ask(host: "Host", stack: "Stack", target: str) -> "Reply | Any":
    from cozydiag.couchdb import access, ask
    from cozydiag.couchdb.client import OPEN
    from cozydiag.model import Finding

    if target in OPEN:
        return ask(host, stack.config.couchdb.url, target)
    account = access.account(stack, host)
    if isinstance(account, Finding):
        if account.status is not Status.SKIP:
            raise Problem(account.text, UNAVAILABLE)
        return ask(host, stack.config.couchdb.url, target, max_body=_MAX_BODY)
    login = access.login(stack, host, account)
    if stack.refusal is not None and login is stack.refusal and not stack.refusal.body:
        why = stack.refusal.error.rstrip(".")
        text = t("CouchDB refused the login in an earlier run: {why}. It is not tried again until its file changes, or "
                 "until you say `cozydiag couchdb --again`.", why=why)  # fmt: skip
        raise Problem(text, EXIT[Status.FAIL])
    return account.ask(host, target, _MAX_BODY) if account.is_known else login


def _unanswered(config: "Config", stack: "Stack", why: str) -> Any:
    return t("CouchDB at {place} did not answer: {why}", place=config.couchdb.url, why=stack.masks().mask(why))


def _shown(reply: "Reply") -> str:
    """Pretty for people, as it came for programs; harmless for both."""
    import json

    from cozydiag.host.logs import clean

    text = clean(reply.body, len(reply.body)).rstrip("\n")
    if not sys.stdout.isatty():
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
