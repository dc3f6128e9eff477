"""Process 1 of a made machine (`room.py`): brings its loopback up, starts its actors, and then runs the collector."""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys

PLAN = json.loads(os.environ.pop("PLAN"))
SIOCSIFFLAGS, UP_AND_RUNNING = 0x8914, 0x49


def start(role: dict[str, object]) -> "subprocess.Popen[bytes]":
    """Once it acts."""
    title = str(role.get("title", role["name"]))
    actor = subprocess.Popen([title], executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env={**os.environ, "PYTHONHOME": sys.base_prefix, "ROLE": json.dumps(role)})  # fmt: skip
    assert actor.stdin is not None
    assert actor.stdout is not None
    actor.stdin.write(PLAN["actor"].encode())
    actor.stdin.close()
    if actor.stdout.readline() != b"ready\n":
        sys.exit(f"{title} does not act")
    return actor


def become() -> None:
    if PLAN["user"]:
        os.setgroups([])
        os.setresgid(PLAN["user"], PLAN["user"], PLAN["user"])
        os.setresuid(PLAN["user"], PLAN["user"], PLAN["user"])


with socket.socket() as one:  # as `ip link set lo up`
    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh", b"lo", UP_AND_RUNNING))
actors = [start(role) for role in PLAN["roles"]]
done = subprocess.run(
    PLAN["shell"], input=PLAN["script"].encode(), env=PLAN["environment"], preexec_fn=become, cwd="/", check=False
)
for each in actors:
    each.kill()
sys.exit(done.returncode)
