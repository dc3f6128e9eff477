"""Why CouchDB did not start, by layer: last words that no recording holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB
from cozydiag.host.commands import Completed
from cozydiag.testing import REFUSED, process_info

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy


def down(cozy: Cozy, folder: Path, errors: str = "", kernel: str = "", log: str = "") -> list[tuple[str, str]]:
    """The causes of a CouchDB that is down, with these words on its stderr, in the kernel's log and in its own."""
    (folder / "data").mkdir()
    (folder / "couch.log").write_text(log)
    files = {"/run/systemd/system": b""} if kernel else {}
    machine = cozy.machine(
        web={"127.0.0.1:5984": REFUSED},
        supervisord=cozy.supervisord(process_info("couchdb", "FATAL", spawnerr="x"), errors={"couchdb": errors}),
        commands={"journalctl": Completed(0, kernel.encode(), b"")},
        files=files,
        real=str(folder),
        disks={"/": cozy.disk},
    )
    machine.listening = {port: pid for port, pid in machine.listening.items() if port != 5984}
    config = cozy.with_config(couchdb=CouchDB(data=str(folder / "data"), log=str(folder / "couch.log")))
    diagnosis = cozy.examine(machine, config)
    return [(cause.code, cause.role or "") for cause in diagnosis.causes if cause.role == "couchdb"]


MEM3 = "Kernel pid terminated (application_controller) ({{application_start_failure,mem3,{{{{shutdown,{}}}}}}})"


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ("Failure to start Mochiweb: eacces", "couchdb.port_closed"),
        ("Failure to start Mochiweb: eaddrinuse", "service.port_taken"),
        ("Failure to start Mochiweb: eaddrnotavail", "couchdb.address"),
        ("beam.smp: unknown flag -x", "couchdb.vm_args"),
        (MEM3.format("{failed_to_start_child,mem3_shards,{{badmatch,{error,eacces}}"), "couchdb.data_unreadable"),
        (MEM3.format("{failed_to_start_child,mem3_shards,{{badmatch,{error,enospc}}"), "couchdb.disk_full"),
        (MEM3.format("{failed_to_start_child,mem3_shards,{{badmatch,{error,erofs}}"), "couchdb.read_only"),
        ("({application_start_failure,couch_epi,{bad_return", "couchdb.start_failed"),
        ("eheap_alloc: Cannot allocate 1040 bytes of memory", "couchdb.out_of_memory"),
    ],
)
def test_last_words(cozy: Cozy, tmp_path: Path, errors: str, code: str) -> None:
    assert down(cozy, tmp_path, errors) == [(code, "couchdb")]


def test_what_the_kernel_ended_left_no_word_itself(cozy: Cozy, tmp_path: Path) -> None:
    line = "Out of memory: Killed process 811 (beam.smp) total-vm:8123456kB"
    assert down(cozy, tmp_path, kernel=line) == [("couchdb.out_of_memory", "couchdb")]


def test_the_kernel_ends_other_programs_as_well(cozy: Cozy, tmp_path: Path) -> None:
    found = down(cozy, tmp_path, kernel="Out of memory: Killed process 811 (firefox)")
    assert "couchdb.out_of_memory" not in [code for code, _ in found]


@pytest.mark.parametrize(("age", "code"), [(60, True), (7200, False)])
def test_a_crash_dump_counts_while_it_is_fresh(cozy: Cozy, tmp_path: Path, age: int, code: bool) -> None:
    import os

    (tmp_path / "etc").mkdir()
    dump = tmp_path / "erl_crash.dump"
    dump.write_text("=erl_crash_dump:0.5\nSlogan: eheap_alloc: Cannot allocate 99 bytes of memory (of type heap).\n")
    machine = cozy.machine(web={"127.0.0.1:5984": REFUSED}, real=str(tmp_path))
    machine.listening = {}
    now = machine.clock.now()
    os.utime(dump, (now - age, now - age))
    config = cozy.with_config(couchdb=CouchDB(etc=str(tmp_path / "etc")))
    found = [finding.code for finding in cozy.look("couchdb.log", machine, config)]
    assert ("couchdb.out_of_memory" in found) is code


def test_a_server_that_was_ended_in_an_orderly_way(cozy: Cozy, tmp_path: Path) -> None:
    stamp = "2026-11-21T08:12:00.000000Z couchdb@127.0.0.1 <0.1.0> --------"
    (tmp_path / "couch.log").write_text(f"[info] {stamp} SIGTERM received - shutting down\n")
    machine = cozy.machine(web={"127.0.0.1:5984": REFUSED}, real=str(tmp_path))
    (finding,) = cozy.look("couchdb.reach", machine, cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log"))))
    assert finding.code == "service.down"
    assert "orderly" in finding.text.template
