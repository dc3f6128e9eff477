"""Starts one program and says what it cost: wall and CPU seconds, peak memory in KiB, exit code.

A process of its own, run as `python -I -S launch.py PROGRAM [ARGUMENT]...`, because the kernel counts what the
parent held when it started a program into that program's peak (getrusage(2), ru_maxrss, across execve): this
parent holds less than any Python that is measured. CPU counts the children that the program waited for.
"""

import os
import sys
import time

began = time.perf_counter()
pid = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - began
print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status))
