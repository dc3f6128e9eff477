"""Who was killed for want of memory."""

from __future__ import annotations

from cozydiag.findings import ok, unknown, warn
from cozydiag.host import Failure, Host
from cozydiag.machine import kernel
from cozydiag.model import Evidence, Finding
from cozydiag.text import When, plural, t

DAY = 86400.0


def kills(host: Host, number: int) -> Finding:
    """``number`` processes were killed since the machine was started: those of the last day are told of."""
    said = kernel.lines(host)
    if isinstance(said, Failure):
        text = plural(
            "the kernel has killed {n} process for want of memory since the machine was started; "
            "when is not known: {why}",
            "the kernel has killed {n} processes for want of memory since the machine was started; "
            "when is not known: {why}",
            n=number, why=said.detail,
        )  # fmt: skip
        return unknown("host.kernel_log", text, unlock="sudo dmesg")
    late = [one for one in kernel.killed(said) if one.said.ago < DAY]
    if not late:
        return ok(t("nothing was killed for want of memory since yesterday"))
    last = late[-1]
    return warn(
        "host.oom_killed",
        t("memory ran out: at {when} the kernel killed {name} (process {pid})",
          name=last.name, pid=str(last.pid), when=When(host.clock.now() - last.said.ago)),
        t("Give the machine more memory or swap, or run less on it: it will happen again."),
        role="host",
        proof=Evidence("dmesg", last.said.words),
        by_hand="free -m; ps aux --sort=-rss | head",
        restart_helps=False,
    )  # fmt: skip
