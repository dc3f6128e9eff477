"""Starting and stopping programs of supervisord, over its socket (`supervisor/rpcinterface.py`)."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord, xmlrpc
from cozydiag.managers.service import Life, Service

_GONE = (supervisord.STOPPED, supervisord.EXITED, supervisord.FATAL)
_BUSY = (supervisord.STARTING, supervisord.STOPPING, supervisord.BACKOFF)
_NOT_RUNNING, _ALREADY_STARTED = 70, 60  # `supervisor/xmlrpc.py Faults`


class Supervisord:
    """One supervisord, known by its socket."""

    def __init__(self, socket: str, supervisorctl: tuple[str, ...] = ("supervisorctl",)) -> None:
        self.socket = socket
        self.supervisorctl = supervisorctl

    def life(self, host: Host, service: Service) -> Life | Failure:
        program = self._program(host, service)
        if isinstance(program, Failure):
            return program
        running = program.state == supervisord.RUNNING
        return Life(running, program.pid, program.statename, program.state in _BUSY)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return (*self.supervisorctl, "restart" if verb == "reload" else verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """A restart is a stop, awaited, and a start: supervisord has no restart of its own."""
        if verb != "start":
            failure = self._stop(host, service)
            if failure is not None:
                return failure
        answer = xmlrpc.call(host, self.socket, "supervisor.startProcess", service.unit, False)
        return _refusal(answer, but=_ALREADY_STARTED)

    def patience(self, host: Host, service: Service) -> float:
        """`stopwaitsecs` until supervisord kills, `startsecs` until it calls a start a success."""
        configs = xmlrpc.call(host, self.socket, "supervisor.getAllConfigInfo")
        if isinstance(configs, list):
            group, _, name = service.unit.rpartition(":")
            for config in configs:
                if (config.get("group"), config.get("name")) == (group or name, name):
                    return 5.0 + float(config.get("stopwaitsecs", 10)) + float(config.get("startsecs", 1))
        return 20.0

    def _program(self, host: Host, service: Service) -> supervisord.Program | Failure:
        seen = supervisord.look(host, self.socket)
        if isinstance(seen, Failure):
            return seen
        return seen.program(service.unit) or Failure("missing", f"supervisord has no program {service.unit}")

    def _stop(self, host: Host, service: Service) -> Failure | None:
        """Ask for the end and wait for it: supervisord itself kills what does not end after stopwaitsecs."""
        refused = _refusal(
            xmlrpc.call(host, self.socket, "supervisor.stopProcess", service.unit, False), but=_NOT_RUNNING
        )
        if refused is not None:
            return refused
        while host.deadline.remaining() > 0:
            program = self._program(host, service)
            if isinstance(program, Failure):
                return program
            if program.state in _GONE:
                return None
            host.clock.sleep(0.1)
        return Failure("timeout", f"{service.unit} does not stop")


def _refusal(answer: object, but: int) -> Failure | None:
    if isinstance(answer, Failure):
        return answer
    if isinstance(answer, xmlrpc.Fault) and answer.code != but:
        return Failure("error", answer.text)
    return None
