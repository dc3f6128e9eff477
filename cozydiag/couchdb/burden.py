"""What CouchDB is doing, and what it uses up: what an administrator is told of it, and what this machine shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cozydiag.couchdb import access
from cozydiag.couchdb.client import Reply
from cozydiag.findings import warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import Bytes, Percent, Seconds, plural, t

_ROLE = "couchdb"
_LEFT = 1000
"""Documents that an index has to go through for its readers to notice."""
_QUEUE = 1000
"""Messages that wait for one part of CouchDB: it is stalled (section "Performance" of CouchDB's documentation)."""
_ERRORS, _ERRORS_AN_HOUR = 100, 60.0
"""Lines of level error since the start, and an hour: a single broken request writes several."""
_FULL = 0.9
"""Share of a limit that is as good as all of it."""
_OF_MEMORY = 0.75
"""Share of the machine's memory that one program should not have."""

TASKS = "/_active_tasks"
SYSTEM = "/_node/_local/_system"
ERRORS = "/_node/_local/_stats/couch_log/level/error"
REPLICATIONS = "/_scheduler/docs?limit=100"


def paths(*, old: bool) -> tuple[str, ...]:
    """What to ask; ``old``: of a 1.x."""
    return (TASKS,) if old else (TASKS, SYSTEM, ERRORS, REPLICATIONS)


def of(seen: Mapping[str, Reply]) -> Iterator[Finding]:
    """What the answers of an administrator's questions say, of those that were given."""
    system = seen[SYSTEM].data if SYSTEM in seen else {}
    if TASKS in seen:
        yield from _indexing(seen[TASKS].items)
    yield from _stalled(system.get("message_queues"))
    yield from _crowded(system)
    if ERRORS in seen:
        yield from _failing(_number(seen[ERRORS].data.get("value")), _number(system.get("uptime")))
    if REPLICATIONS in seen:
        yield from _replicating(seen[REPLICATIONS].data.get("docs"))


def on_this_machine(host: Host, stack: Stack, seen: Mapping[str, Reply]) -> Iterator[Finding]:
    """Its memory and its open files, where it runs here."""
    if stack.is_far(_ROLE):
        return
    pid = access.process_id(stack, host)
    used = host.descriptors(pid) if pid else None
    if used is not None and used.limit and used.used >= _FULL * used.limit:
        yield warn(
            "couchdb.descriptors_low",
            t("CouchDB has {used} of {limit} files and connections open, and soon takes no more", used=used.used,
              limit=used.limit),
            t("See who keeps so many connections open; then raise its limit (LimitNOFILE in its unit, `minfds` of "
              "supervisord)."),
            role=_ROLE, proof=Evidence(f"/proc/{pid}/fd", f"{used.used} of {used.limit}"), restart_helps=True,
        )  # fmt: skip
    memory = seen[SYSTEM].data.get("memory") if SYSTEM in seen else None
    total = host.memory() if isinstance(memory, dict) else Failure("missing", "")
    if isinstance(memory, dict) and not isinstance(total, Failure):
        taken = sum(_number(value) for key, value in memory.items() if not key.endswith("_used"))
        if taken > _OF_MEMORY * total.total:
            yield warn(
                "couchdb.memory_high",
                t("CouchDB has taken {taken} of this machine's {total} of memory", taken=Bytes(taken),
                  total=Bytes(total.total)),
                t("When there is none left the kernel ends it without a word in its log. See how many clients and how "
                  "large documents it has; restart it at a quiet time, or give the machine more."),
                role=_ROLE, proof=Evidence(f"GET {SYSTEM}", f"{taken} bytes"), restart_helps=True,
            )  # fmt: skip


def _crowded(system: Mapping[str, Any]) -> Iterator[Finding]:
    count, limit = _number(system.get("process_count")), _number(system.get("process_limit"))
    if limit and count > _FULL * limit:
        yield warn(
            "couchdb.processes",
            t("CouchDB has {count} of the {limit} processes that Erlang allows it", count=count, limit=limit),
            t("See what opens so many connections or databases at a time; then raise +P in vm.args."),
            role=_ROLE, proof=Evidence(f"GET {SYSTEM}", f"{count} of {limit}"), restart_helps=True,
        )  # fmt: skip


def _failing(errors: int, uptime: int) -> Iterator[Finding]:
    if errors >= _ERRORS and uptime and errors / uptime * 3600 >= _ERRORS_AN_HOUR:
        yield warn(
            "couchdb.errors_many",
            plural("CouchDB wrote {n} error into its log in the {time} since its start",
                   "CouchDB wrote {n} errors into its log in the {time} since its start", n=errors,
                   time=Seconds(float(uptime))),
            t("Read what they are: `{command}` in its log. Each refused request is one as well.",
              command=r"grep -a '\[error\]'"),
            role=_ROLE, proof=Evidence(f"GET {ERRORS}", str(errors)), restart_helps=None,
        )  # fmt: skip


def _indexing(tasks: list[Any]) -> Iterator[Finding]:
    left: dict[tuple[str, str], list[int]] = {}
    for task in tasks:
        if isinstance(task, dict) and task.get("type") == "indexer":
            name = str(task.get("database", "")).rpartition("/")[2].rpartition(".")[0]
            done, total = (_number(task.get(key)) for key in ("changes_done", "total_changes"))
            sums = left.setdefault((name, str(task.get("design_document", ""))), [0, 0])
            sums[0], sums[1] = sums[0] + done, sums[1] + total
    slow = [(total - done, done / total, key) for key, (done, total) in left.items() if total - done >= _LEFT]
    if slow:
        _, part, (database, design) = max(slow)
        yield warn(
            "couchdb.index_building",
            t("CouchDB builds an index: {design} of the database {name}, {percent} done. Who reads it has to wait",
              design=design, name=database, percent=Percent(100 * part)),
            t("Let it end: a restart makes it go on from where it was, and helps nobody. After an upgrade this is "
              "usual."),
            role=_ROLE, proof=Evidence("GET /_active_tasks", f"indexer {design} {part:.0%}"),
            by_hand="cozydiag couchdb", restart_helps=False,
        )  # fmt: skip


def _stalled(queues: Any) -> Iterator[Finding]:
    for name, queue in queues.items() if isinstance(queues, dict) else ():
        waiting = _number(queue.get("max") if isinstance(queue, dict) else queue)
        if waiting > _QUEUE:
            yield warn(
                "couchdb.stalled",
                t("{n} messages wait for CouchDB's part {part}", n=waiting, part=str(name)),
                t("Look at its disk first (`iostat -x 2`), then at how many clients it has."),
                role=_ROLE, proof=Evidence("GET /_node/_local/_system", f"{name}: {waiting}"), restart_helps=None,
            )  # fmt: skip
            return


def _replicating(docs: Any) -> Iterator[Finding]:
    bad = [
        doc for doc in (docs if isinstance(docs, list) else [])
        if isinstance(doc, dict) and doc.get("state") in ("crashing", "failed", "error")
    ]  # fmt: skip
    if bad:
        info = bad[0].get("info")
        why = str(info.get("error", "-") if isinstance(info, dict) else info or "-")
        yield warn(
            "couchdb.replication_failing",
            t("the replication {name} fails: {why}", name=str(bad[0].get("doc_id")), why=why[:200]),
            t("Correct its source, target or password in the database _replicator; CouchDB then tries again by "
              "itself."),
            role=_ROLE, proof=Evidence("GET /_scheduler/docs", f"{bad[0].get('state')}: {why[:200]}"),
            restart_helps=False,
        )  # fmt: skip


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
