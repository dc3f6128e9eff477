"""A supervisord on a socket file, as far as cozydiag asks it (`supervisor/rpcinterface.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xmlrpc.client import Fault, dumps, loads

from cozydiag.host import Answer
from cozydiag.managers.supervisord import STATES
from cozydiag.testing.machine import Request, answer

Struct = dict[str, Any]


def process_info(name: str, state: str = "RUNNING", **fields: Any) -> Struct:
    """A program as getAllProcessInfo gives it: running for an hour, unless ``fields`` say otherwise."""
    group, _, own = name.rpartition(":")
    running = state in ("RUNNING", "STARTING", "STOPPING")
    usual = {
        "name": own, "group": group or own, "state": STATES[state], "statename": state, "spawnerr": "",
        "pid": 4000 if running else 0, "start": 1_795_245_137, "stop": 0, "now": 1_795_248_737, "exitstatus": 0,
    }  # fmt: skip
    return {**usual, **fields}


class FakeSupervisord:
    """Answers calls. ``samples`` are lists of programs, one for each time somebody looks; the last one stays.

    ``configs`` are as getAllConfigInfo gives them, ``errors`` and ``outputs`` what the programs wrote (by full
    name), ``log`` is supervisord's own.
    """

    def __init__(
        self,
        *samples: Sequence[Struct],
        configs: Sequence[Struct] = (),
        errors: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        log: str = "",
    ) -> None:
        self.samples = list(samples) or [[]]
        self.configs = configs
        self.texts = {"readProcessStderrLog": errors or {}, "readProcessStdoutLog": outputs or {}}
        self.log = log

    def __call__(self, request: Request) -> Answer:
        params, method = loads(request.body.decode())
        try:
            value = self._multi(params[0]) if method == "system.multicall" else self._value(str(method), params)
        except Fault as fault:
            return answer(200, dumps(fault, methodresponse=True))
        return answer(200, dumps((value,), methodresponse=True))

    def _multi(self, calls: Any) -> list[Any]:
        values: list[Any] = []
        for call in calls:
            try:
                values.append(self._value(call["methodName"], tuple(call["params"])))
            except Fault as fault:
                values.append({"faultCode": fault.faultCode, "faultString": fault.faultString})
        return values

    def _value(self, method: str, params: tuple[Any, ...]) -> Any:
        name = method.removeprefix("supervisor.")
        if name == "getPID":
            return 4999
        if name == "getAllProcessInfo":
            return self.samples.pop(0) if len(self.samples) > 1 else self.samples[0]
        if name == "getAllConfigInfo":
            return self.configs
        if name == "readLog":
            return self.log
        if name in self.texts:
            return self.texts[name].get(params[0], "")
        raise Fault(1, "UNKNOWN_METHOD")
