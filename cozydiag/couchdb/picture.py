"""The picture of a server on one screen: what it is, what it holds, what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cozydiag.couchdb import access
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.client import Reply, path_of
from cozydiag.couchdb.sizes import SMALL, Size, size_of
from cozydiag.host import Host
from cozydiag.stack import Stack
from cozydiag.text import Bytes, Percent, Seconds, Text, plural, t, verbatim

SHOWN = 15
"""Databases that fit on a screen; the largest ones."""
_ASKED = 30
"""Databases that are asked for one by one, where the server cannot tell of all at once (before 3.3)."""


def lines(host: Host, stack: Stack) -> Iterator[tuple[Text, Text]]:
    """Labels and values, in the order of the screen; what may not be seen is left out."""
    root = access.root(stack, host)
    if isinstance(root, Reply):
        yield t("Server"), t("{name} at {place}", name=root.program, place=stack.config.couchdb.url)
    account = access.known(stack, host)
    if account is None:
        yield t("Login"), t("none: only what anybody may see")
        return
    kind = t("administrator") if account.is_admin else t("ordinary user")
    yield t("Login"), t("{user}, {kind}", user=str(account.context["name"]), kind=kind)
    if account.is_admin:
        yield from _server(host, stack, account)
    yield from _databases(host, stack, account)
    if account.is_admin:
        yield from _tasks(host, account)


def _server(host: Host, stack: Stack, account: Account) -> Iterator[tuple[Text, Text]]:
    system = _object(account.ask(host, "/_node/_local/_system"))
    if isinstance(system.get("uptime"), int):
        yield t("Up for"), t("{time}", time=Seconds(float(system["uptime"])))
    memory = system.get("memory")
    if isinstance(memory, dict):
        used = sum(value for key, value in memory.items() if isinstance(value, int) and not key.endswith("_used"))
        yield t("Memory"), t("{size}", size=Bytes(used))
    errors = _object(account.ask(host, "/_node/_local/_stats/couch_log/level/error")).get("value")
    if isinstance(errors, int):
        yield (
            t("Errors"),
            plural("{n} line in its log since its start", "{n} lines in its log since its start", n=errors),
        )
    admins = _object(account.ask(host, "/_node/_local/_config/admins"))
    stack.keep_secret(*(value for value in admins.values() if isinstance(value, str)))
    users = _object(account.ask(host, "/_users")).get("doc_count")
    if isinstance(users, int) and admins:
        yield t("Users"), t("{users}, {admins}", users=plural("{n} user", "{n} users", n=max(0, users - 1)),
                            admins=plural("{n} administrator", "{n} administrators", n=len(admins)))  # fmt: skip
    listeners = host.listeners(stack.config.couchdb.address[1])
    pid = host.owner(listeners[0].inode) if listeners else None
    files = host.descriptors(pid) if pid else None
    if files is not None:
        yield t("Open files"), t("{used} of {limit}", used=files.used, limit=files.limit)


def _databases(host: Host, stack: Stack, account: Account) -> Iterator[tuple[Text, Text]]:
    names = list(access.expected(stack, host))
    every = account.ask(host, "/_all_dbs", 8 << 20) if account.is_admin else None
    if isinstance(every, Reply) and every.status == 200:
        names = [str(name) for name in every.items]
        yield t("Databases"), plural("{n} database", "{n} databases", n=len(names))
    sizes = sorted(_sizes(host, account, names), key=lambda one: -one.file)
    for one in sizes[:SHOWN]:
        yield verbatim(f"  {one.name}"), _shown(one)


def _shown(one: Size) -> Text:
    documents = plural("{n} document", "{n} documents", n=one.documents)
    if one.file < SMALL:
        return t("{documents}, {size}", documents=documents, size=Bytes(one.file))
    percent = Percent(one.fragmentation)
    return t(
        "{documents}, {size}, {percent} of it of no use", documents=documents, size=Bytes(one.file), percent=percent
    )


def _sizes(host: Host, account: Account, names: list[str]) -> list[Size]:
    if account.is_admin:
        at_once = account.ask(host, "/_dbs_info?limit=500", 8 << 20)
        if isinstance(at_once, Reply) and at_once.status == 200 and at_once.items:
            infos = [item.get("info") for item in at_once.items if isinstance(item, dict)]
            return [size for info in infos if (size := size_of(info)) is not None]
    replies = (account.ask(host, path_of(name)) for name in names[:_ASKED])
    return [size for reply in replies if (size := size_of(_object(reply))) is not None]


def _tasks(host: Host, account: Account) -> Iterator[tuple[Text, Text]]:
    reply = account.ask(host, "/_active_tasks")
    tasks = [task for task in reply.items if isinstance(task, dict)] if isinstance(reply, Reply) else []
    for task in tasks[:SHOWN]:
        progress = task.get("progress")
        done = t("{percent} done", percent=Percent(float(progress))) if isinstance(progress, int) else t("under way")
        words = (task.get(key) for key in ("type", "design_document", "doc_id", "database"))
        yield t("Task"), t("{name}: {done}", name=" ".join(str(word) for word in words if word), done=done)


def _object(reply: Any) -> dict[str, Any]:
    return reply.data if isinstance(reply, Reply) and reply.status == 200 else {}
