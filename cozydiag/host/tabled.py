"""A Host whose processes stand in a table instead of /proc."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cozydiag.host import Host
from cozydiag.host.processes import COMM_LENGTH, Process


class TabledHost(Host):
    """As ``Host``, with the same evidence."""

    def table(self) -> Sequence[Process]:
        raise NotImplementedError

    def process(self, pid: int) -> Process | None:
        return self._note_process(pid, next((one for one in self.table() if one.pid == pid), None))

    def find(self, names: Collection[str]) -> list[Process]:
        wanted = {name[:COMM_LENGTH] for name in names}
        return self._note_found(names, [one for one in self.processes() if one.name[:COMM_LENGTH] in wanted])

    def processes(self) -> list[Process]:
        return sorted(self.table(), key=lambda one: one.pid)

    def children(self, pid: int) -> list[int]:
        return [one.pid for one in self.table() if one.ppid == pid]

    def descends(self, pid: int, ancestor: int) -> bool:
        parents = {one.pid: one.ppid for one in self.table()}
        for _ in parents:
            pid = parents.get(pid, 0)
            if pid == ancestor:
                return True
        return False
