"""An upstream asked directly, past the proxy: what the proxy must have seen, or could not see."""

from __future__ import annotations

import re
import stat
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.host.processes import Process
from cozydiag.model import Evidence
from cozydiag.proxies.protocol import Upstream

BIG_HEADERS = 4096
"""Bytes of headers that nginx takes unless told otherwise (proxy_buffer_size, one page); Apache takes 8192 a line."""

_BANNERS = re.compile(r"SSH-\d|220[ -]|\* OK|\+OK|-ERR|-NOAUTH|RFB 0|AMQP|.{0,6}mysql|.{0,12}MariaDB", re.I)
"""How programs that speak something else greet."""


class Probe(NamedTuple):
    """``code`` says what is wrong with the upstream, "" for nothing; ``answer`` is what came. ``proof`` was seen."""

    upstream: Upstream
    code: str
    proof: Evidence
    answer: Answer | None = None


def probe(host: Host, upstream: Upstream, name: str, target: str, worker: Process | None) -> Probe:
    """Ask ``upstream`` for ``target`` as the proxy would, under ``name``. ``worker`` is who connects for the proxy."""
    if upstream.dynamic:
        return Probe(upstream, "", host.see(str(upstream), "depends on the request"))
    if upstream.unix:
        closed = _socket(host, upstream, worker)
        if closed is not None:
            return closed
    if upstream.scheme in ("http", "https", "h2c"):
        return _http(host, upstream, name, target)
    return _connect(host, upstream)


def _http(host: Host, upstream: Upstream, name: str, target: str) -> Probe:
    secure = upstream.scheme == "https"
    view = host.within(host.deadline.remaining() / (2 if secure else 1), host.instance)  # half is for another try
    outcome = _ask(view, upstream, secure, name, target)
    host.evidence += view.evidence
    proof = host.evidence[-1]
    if isinstance(outcome, Answer):
        return _answered(host, upstream, outcome, proof)
    if outcome.kind == "given_up":
        return Probe(upstream, "", proof)
    code = _failed(upstream, outcome)
    suspicious = code in ("proxy.upstream_garbage", "proxy.upstream_closes", "proxy.upstream_plain")
    late = secure and code in ("proxy.upstream_hangs", "proxy.upstream_full")  # plain HTTP waits for the end of a hello
    if (suspicious or late) and not upstream.unix:
        other = _ask(host, upstream, not secure, name, target)
        if isinstance(other, Answer):
            changed = "proxy.upstream_plain" if secure else "proxy.upstream_tls"
            return Probe(upstream, changed, host.evidence[-1])
    if code == "proxy.upstream_refused":
        return _elsewhere(host, upstream, proof)
    return Probe(upstream, code, proof)


def _ask(host: Host, upstream: Upstream, tls: bool, name: str, target: str) -> Answer | Failure:
    url = f"http{'s' if tls else ''}://{upstream if not upstream.unix else 'localhost'}{target}"
    headers = (("Host", name),)
    if upstream.unix:
        return host.get(url, headers=headers, unix=upstream.unix)
    return host.get(url, headers=headers, verify=False)


def _answered(host: Host, upstream: Upstream, answer: Answer, proof: Evidence) -> Probe:
    if answer.status == 400 and b"plain HTTP request was sent to HTTPS port" in answer.body:
        return Probe(upstream, "proxy.upstream_tls", proof)
    if answer.status == 400 and b"Client sent an HTTP request to an HTTPS server" in answer.body:  # Go's net/http
        return Probe(upstream, "proxy.upstream_tls", proof)
    stranger = _stranger(answer)
    if stranger:
        return Probe(upstream, "proxy.stranger", host.see(proof.source, stranger), answer)
    size = sum(len(key) + len(value) + 4 for key, value in answer.headers)
    if size > BIG_HEADERS:
        return Probe(upstream, "", host.see(proof.source, f"{size} bytes of headers"), answer)
    return Probe(upstream, "", proof, answer)


def big(answer: Answer | None) -> int:
    """How many bytes of headers an answer has, where that is more than proxies usually take; else 0."""
    size = sum(len(key) + len(value) + 4 for key, value in answer.headers) if answer else 0
    return size if size > BIG_HEADERS else 0


def _stranger(answer: Answer) -> str:
    """What names itself as another program than one of a Cozy."""
    return "CouchDB answers" if b'"couchdb":"Welcome"' in answer.body else start_page(answer)


_START_PAGES = (
    b"Welcome to nginx!", b"Test Page for the Nginx", b"Test Page for the HTTP Server", b"HTTP Server Test Page",
    b"Apache2 Debian Default Page", b"Apache2 Ubuntu Default Page", b"<h1>It works!</h1>", b"Caddy works!",
    b"Your web server is working",
)  # fmt: skip
"""What nginx, Apache and Caddy show until they are told what to serve, by themselves and as they are packaged."""


def start_page(answer: Answer) -> str:
    """What to call the page that a web server shows by itself; "" for any other."""
    return "the start page of a web server" if any(mark in answer.body for mark in _START_PAGES) else ""


_FAILED = {
    "refused": "proxy.upstream_refused",
    "closed": "proxy.upstream_closes",
    "reset": "proxy.upstream_closes",
    "unreachable": "proxy.upstream_unreachable",
    "name": "proxy.upstream_name",
    "missing": "proxy.socket_missing",
    "permission": "proxy.socket_denied",
    "tls": "proxy.upstream_plain",
}


def _failed(upstream: Upstream, failure: Failure) -> str:
    if failure.kind == "timeout":
        return "proxy.upstream_full" if "no connection" in failure.detail else "proxy.upstream_hangs"
    if failure.kind == "closed" and failure.detail != "closed without an answer":
        return "proxy.upstream_cut"
    if failure.kind == "protocol":
        return "proxy.stranger" if _BANNERS.match(failure.detail) else "proxy.upstream_garbage"
    if failure.kind == "refused" and upstream.unix:
        return "proxy.socket_stale"
    return _FAILED.get(failure.kind, "")


def _connect(host: Host, upstream: Upstream) -> Probe:
    """What speaks no HTTP is only knocked at."""
    if upstream.unix:
        said = host.talk(upstream.unix, b"")
        failure = said if isinstance(said, Failure) and said.kind != "timeout" else None
    else:
        failure = host.connect(upstream.host, upstream.port)
    proof = host.evidence[-1]
    if failure is not None and failure.kind == "refused" and not upstream.unix:
        return _elsewhere(host, upstream, proof)
    return Probe(upstream, _failed(upstream, failure) if failure else "", proof)


def _elsewhere(host: Host, upstream: Upstream, proof: Evidence) -> Probe:
    """Refused: does somebody listen on that port, only at another address?"""
    if upstream.host in ("localhost", "127.0.0.1", "::1"):
        others = {one.address for one in host.listeners(upstream.port)} - {upstream.host}
        if others:
            seen = host.see("/proc/net/tcp", ", ".join(f"{one}:{upstream.port}" for one in sorted(others)))
            return Probe(upstream, "proxy.wrong_address", seen)
    return Probe(upstream, "proxy.upstream_refused", proof)


def _socket(host: Host, upstream: Upstream, worker: Process | None) -> Probe | None:
    """A socket file that is missing, or that the worker may not open although we may."""
    seen = host.stat(upstream.unix)
    proof = host.evidence[-1]
    if isinstance(seen, Failure):
        return Probe(upstream, "proxy.socket_missing", proof) if seen.kind == "missing" else None
    if not stat.S_ISSOCK(seen.st_mode) and seen.st_mode:
        return Probe(upstream, "proxy.socket_stale", host.see(upstream.unix, "is no socket"))
    if worker is None or worker.uid == 0:
        return None
    for path in (*_folders(upstream.unix), upstream.unix):
        found = host.stat(path)
        last = path == upstream.unix
        if not isinstance(found, Failure) and not _may(host, worker, found.st_mode, found.st_uid, found.st_gid, last):
            shown = f"mode {found.st_mode & 0o7777:o}, user {found.st_uid}, group {found.st_gid}"
            return Probe(upstream, "proxy.socket_denied", host.see(path, f"{shown}; the proxy is user {worker.uid}"))
    return None


def _folders(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]


def _may(host: Host, worker: Process, mode: int, uid: int, gid: int, last: bool) -> bool:
    """Connecting needs the right to write to the socket, and to pass each folder (unix(7))."""
    right = 2 if last else 1
    if worker.uid == uid:
        return bool(mode >> 6 & right)
    return bool((mode >> 3 if gid in _groups(host, worker) else mode) & right)


def _groups(host: Host, worker: Process) -> set[int]:
    content = host.read(f"/proc/{worker.pid}/status")
    found: set[int] = set()
    for line in [] if isinstance(content, Failure) else content.splitlines():
        if line.startswith((b"Gid:", b"Groups:")):
            found |= {int(word) for word in line.split()[1:]}
    return found
