"""XML-RPC, as far as supervisord speaks it: calls out, answers in, on top of Host's HTTP.

Not xmlrpc.client: it has no time limit on unix sockets and imports http.client and email.
"""

from __future__ import annotations

import pyexpat as expat  # what xml.parsers.expat is, without five modules around it
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cozydiag.host import Answer, Host
from cozydiag.host.failure import Failure

if TYPE_CHECKING:
    from cozydiag.managers.supervisord_login import Login

_MAX_ANSWER = 16 << 20
"""supervisord sends about 1.1 KB per program and call; this is room for some 5,000 programs."""


class Fault(NamedTuple):
    """The daemon's own refusal (`supervisor/xmlrpc.py Faults`): 6 SHUTDOWN_STATE, 10 BAD_NAME, 20 NO_FILE ..."""

    code: int
    text: str


class Door(str):
    """A place, as `call` takes it, that may ask for a password. ``key`` looks for that, and only then; what it finds
    is used from then on. ``closed``: this user may not know it."""

    key: Callable[[Host], Login | Failure]
    login: Login | None = None
    closed: bool = False

    def __new__(cls, place: str, key: Callable[[Host], Login | Failure]) -> Door:
        door = super().__new__(cls, place)
        door.key = key
        return door


def call(host: Host, place: str, method: str, *params: Any) -> Any | Fault | Failure:
    """One call to ``place``: a socket file, or `http://ADDRESS:PORT`. A half answer or one that is not XML-RPC is a
    Failure."""
    return _answered(host, place, method, params, _parse)


def rows(host: Host, place: str, method: str) -> Any | Fault | Failure:
    """As `call`, for what gives a long list of plain structs: a tenth of the time for a thousand."""
    return _answered(host, place, method, (), _rows)


def _answered(
    host: Host, place: str, method: str, params: tuple[Any, ...], parse: Callable[[bytes], Any]
) -> Any | Fault | Failure:
    answer = _let_in(host, place, _request(method, params))
    if isinstance(answer, Failure):
        return answer
    if answer.status != 200:
        return Failure("error", f"HTTP {answer.status} {answer.reason}")
    try:
        return parse(answer.body)
    except (expat.ExpatError, ValueError, IndexError, KeyError, TypeError):
        return Failure("protocol", "the answer is not XML-RPC")


def _let_in(host: Host, place: str, request: bytes) -> Answer | Failure:
    """Once more with the password where one is asked for; supervisord locks nobody out."""
    door = place if isinstance(place, Door) else None
    login = door.login if door else None
    answer = _post(host, place, request, login)
    if isinstance(answer, Failure) or answer.status != 401:
        return answer
    if door is not None and login is None:
        found = door.key(host)
        door.closed = isinstance(found, Failure) and found.kind == "locked"
        if isinstance(found, Failure):
            return found
        door.login = found
        return _let_in(host, place, request)
    why = f"it refuses the password of {login.file}" if login else "HTTP 401: a user and password are required"
    return Failure("login", why)


def _post(host: Host, place: str, request: bytes, login: Login | None) -> Answer | Failure:
    far = place.startswith("http://")
    return host.post(
        f"{place if far else 'http://localhost'}/RPC2",
        request,
        headers=(("Content-Type", "text/xml"), *((login.header,) if login else ())),
        unix=None if far else str(place),
        max_body=_MAX_ANSWER,
    )


def _request(method: str, params: tuple[Any, ...]) -> bytes:
    args = "".join(f"<param>{_value(param)}</param>" for param in params)
    call = f"<methodName>{method}</methodName><params>{args}</params>"
    return f"<?xml version='1.0'?><methodCall>{call}</methodCall>".encode()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, int):
        return f"<value><int>{value}</int></value>"
    if isinstance(value, str):
        escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<value><string>{escaped}</string></value>"
    if isinstance(value, list):
        return f"<value><array><data>{''.join(map(_value, value))}</data></array></value>"
    members = "".join(f"<member><name>{name}</name>{_value(item)}</member>" for name, item in value.items())
    return f"<value><struct>{members}</struct></value>"


_SCALARS: dict[str, Any] = {
    "int": int, "i4": int, "i8": int, "boolean": lambda s: s.strip() == "1", "double": float, "string": str,
}  # fmt: skip


class _Reader:
    """Builds values from expat's events: a stack of open arrays and structs, closed into their parent."""

    def __init__(self) -> None:
        self.open: list[list[Any]] = [[]]
        self.text: list[str] = []
        self.typed = False
        self.is_fault = False

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self.text.clear()
        if tag == "value":
            self.typed = False
        elif tag in ("data", "struct"):
            self.open.append([])
        elif tag == "fault":
            self.is_fault = True

    def end(self, tag: str) -> None:
        if tag in _SCALARS:
            self.add(_SCALARS[tag]("".join(self.text)))
        elif tag == "name":
            self.open[-1].append("".join(self.text))
        elif tag == "data":
            self.add(self.open.pop())
        elif tag == "struct":
            flat = self.open.pop()
            self.add(dict(zip(flat[::2], flat[1::2], strict=True)))
        elif tag == "value" and not self.typed:
            self.add("".join(self.text))  # an untyped value is a string
        self.text.clear()

    def add(self, value: Any) -> None:
        self.open[-1].append(value.translate(_BACK) if isinstance(value, str) else value)
        self.typed = True


_NO_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What XML cannot hold and supervisord sends all the same, as logs have it: colours, most of all."""

_STAND_IN = 0xE000
"""Where such bytes go while they are parsed: letters that Unicode gives to nobody."""

_BACK = {_STAND_IN + byte: byte for byte in range(32)}


def _parse(body: bytes) -> Any:
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append

    def no_entities(*_: Any) -> None:
        raise ValueError("entity declarations have no place in an answer")

    parser.EntityDeclHandler = no_entities
    parser.Parse(_NO_XML.sub(lambda found: chr(_STAND_IN + found[0][0]).encode(), body), True)
    value = reader.open[0][0]
    return Fault(int(value["faultCode"]), str(value["faultString"])) if reader.is_fault else value


_MEMBER = re.compile(r"<name>(\w+)</name>\s*<value><(int|string|boolean|double)>([^<]*)</")


def _rows(body: bytes) -> Any:
    """Where every member of every struct is plain, the structs; else, or where it is a fault, what `_parse` gives."""
    if not body.isascii() or b"&" in body or b"<fault>" in body or _NO_XML.search(body):
        return _parse(body)
    expat.ParserCreate().Parse(body, True)  # half an answer is none
    text = body.decode("ascii")
    found = [_MEMBER.findall(struct) for struct in text.split("<struct>")[1:]]
    if not found or sum(map(len, found)) != text.count("<member>") or not _LIST.match(text):
        return _parse(body)
    return [{name: value if kind == "string" else _SCALARS[kind](value) for name, kind, value in one} for one in found]


_LIST = re.compile(r"\s*(<\?xml[^>]*\?>)?\s*<methodResponse>\s*<params>\s*<param>\s*<value><array><data>\s*<value><str")
