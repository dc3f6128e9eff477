"""Each recorded state of CouchDB: what it is asked as, what is on its disk, and the one cause that must come of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from cozydiag.host import Disk
from cozydiag.testing import process_info

RECORDINGS: Final = Path(__file__).parents[1] / "recordings" / "couchdb"
RANGES: Final = ("00000000-7fffffff", "80000000-ffffffff")
FULL: Final = Disk("/data", 1 << 30, (1 << 30) - 4096, 4096, 1000, 500, read_only=False, device=2, mount="/data")
READ_ONLY: Final = FULL._replace(available=1 << 29, used=1 << 29, read_only=True)

Damage = Callable[[Path], None]


class State(NamedTuple):
    """``login`` is what the apps log in with; ``damage`` is done to the files of a healthy data folder."""

    cause: tuple[str, str] | None
    login: str = "app:apppw"
    damage: Damage | None = None
    disk: Disk | None = None
    process: str = "S"
    database: str = "appdb"


def shard(data: Path, database: str = "appdb") -> Path:
    return data / "shards" / RANGES[0] / f"{database}.1795248983.couch"


def healthy_data(data: Path) -> None:
    for name in ("_dbs", "_nodes"):
        data.mkdir(parents=True, exist_ok=True)
        (data / f"{name}.couch").write_bytes(b"\x01header")
    for place in RANGES:
        (data / "shards" / place).mkdir(parents=True)
        for name in ("appdb", "_users", "_replicator"):
            (data / "shards" / place / f"{name}.1795248983.couch").write_bytes(b"\x01header")


def write(content: bytes) -> Damage:
    """Something else in the place of a shard."""

    def damage(data: Path) -> None:
        shard(data).write_bytes(content)

    return damage


def remove(data: Path) -> None:
    data.rename(data.with_name("elsewhere"))


def _couchdb(code: str, **more: object) -> State:
    return State((f"couchdb.{code}", "couchdb"), **more)  # type: ignore[arg-type]


ADMIN: Final = "admin:adminpw"

STATES: Final[dict[str, State]] = {
    "auth-locked-out": _couchdb("locked_out", login=ADMIN),
    "auth-other": _couchdb("credentials_refused", login="nobody:x"),
    "auth-wrong-password": _couchdb("credentials_refused", login="admin:WRONG"),
    "config-unreadable": _couchdb("config_unreadable"),
    "cookie-file-mode": _couchdb("cookie_file"),
    "cookie-file-unwritable": _couchdb("cookie_file"),
    "corrupt-dbs-db": _couchdb("databases_forgotten"),
    "corrupt-garbage-tail": State(None, login=ADMIN, damage=write(b"\x01header" + b"x" * 99)),
    "corrupt-garbage-whole": _couchdb("data_lost", login=ADMIN, damage=write(b"\xe3" * 99)),
    "corrupt-middle": _couchdb("file_damaged", login=ADMIN),
    "corrupt-zero-length": _couchdb("data_lost", login=ADMIN, damage=write(b"")),
    "cors": _couchdb("login_required"),
    "data-dir-missing": _couchdb("data_missing", damage=remove),
    "data-eacces": _couchdb("data_unreadable"),
    "data-readonly-boot": _couchdb("read_only", disk=READ_ONLY),
    "dbs-db-missing": _couchdb("databases_forgotten"),
    "disk-full": _couchdb("disk_full", login=ADMIN, disk=FULL),
    "disk-full-boot": _couchdb("disk_full", disk=FULL),
    "fd-exhausted-conns": _couchdb("file_descriptors"),
    "healthy-admin": State(None, login=ADMIN),
    "healthy-anon": State(None, login=""),
    "healthy-other-user": State(None, login="other:otherpw"),
    "healthy-user": State(None),
    "ini-bad-port": _couchdb("port"),
    "limits": State(None, login=ADMIN),
    "log-dir-missing": _couchdb("log_unwritable"),
    "maintenance-true": _couchdb("maintenance"),
    "monster-cookie": _couchdb("cookie_monster"),
    "no-admin-3x": _couchdb("no_admin"),
    "no-system-dbs": _couchdb("system_databases_missing"),
    "node-host-unresolvable": _couchdb("node_renamed"),
    "node-name-in-use": _couchdb("node_name_in_use"),
    "node-name-no-host": _couchdb("node_name"),
    "port-in-use": State(("service.port_taken", "couchdb")),
    "pouchdb-server": _couchdb("pouchdb", database="_users"),
    "replication": _couchdb("replication_failing", login=ADMIN),
    "require-valid-user": _couchdb("login_required"),
    "shard-eacces": _couchdb("file_unreadable", login=ADMIN),
    "shard-missing": _couchdb("data_lost", login=ADMIN),
    "sigstop": State(("service.hung", "couchdb"), process="T"),
    "stopped": State(("service.down", "couchdb")),
    "v3.3.3-healthy-admin": State(None, login=ADMIN),
    "v3.3.3-healthy-anon": State(None, login=""),
    "view-building": _couchdb("index_building", login=ADMIN, database="big"),
}  # fmt: skip

DOWN: Final = frozenset(
    name for name in STATES if (RECORDINGS / name / "stdout.log").exists() or name in ("monster-cookie", "no-admin-3x")
) - {"port-in-use"}
"""States in which the server never came up."""


def supervised(name: str) -> dict[str, object]:
    """CouchDB as supervisord has it in this state."""
    if name in DOWN:
        return process_info("couchdb", "FATAL", spawnerr="Exited too quickly")
    return process_info("couchdb", pid=500)
