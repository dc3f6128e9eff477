"""What the error lines of proxies mean.

The words are those of nginx 1.22 (`src/http/ngx_http_upstream.c`), Apache 2.4 (`modules/proxy`), Caddy 2.6 (Go's `net`
and `net/http`) and HAProxy 2.6 (the two letters of "Session state at disconnection"), as they were seen.
"""

from __future__ import annotations

import re

_MEANINGS = {
    "proxy.too_many_files": (r"[Tt]oo many open files", r"reached process FD limit"),
    "proxy.connections_used_up": (r"worker_connections are not enough", r"AH0048[45]", r"AH03490", r"AH10159"),
    "proxy.module_off": (r"AH01144", r"No protocol handler was valid"),
    "proxy.headers_too_big": (r"too big header", r"AH10124", r"response headers exceeded"),
    "proxy.socket_denied": (r"unix:.*\(13: ", r"\(13\).*AH02454", r"dial unix .*permission denied"),
    "proxy.socket_missing": (r"unix:.*\(2: ", r"\(2\).*AH02454", r"dial unix .*no such file"),
    "proxy.socket_stale": (r"unix:.*\(111: ", r"\(111\).*AH02454", r"dial unix .*connection refused"),
    "proxy.connect_denied": (
        r"\(13: Permission denied\) while connecting",
        r"\(13\)Permission denied: AH00957",
        r"dial tcp .*permission denied",
    ),
    "proxy.upstream_name": (r"could not be resolved|no resolver defined", r"DNS lookup failure", r"dial tcp: lookup"),
    "proxy.resting": (r"no live upstreams", r"AH00940", r"AH01170", r"AH01167", r"no upstreams available", r"<NOSRV>"),
    "proxy.upstream_plain": (
        r"SSL_do_handshake\(\) failed",
        r"while SSL handshaking to upstream",
        r"AH01961|AH02003|AH01097|AH01084",
        r"first record does not look like a TLS",
    ),
    "proxy.upstream_tls": (r"malformed HTTP response .{0,3}\\x1[56]", r"sent to HTTPS"),
    "proxy.upstream_full": (r"\(110: .*while connecting", r"\(70007\).*AH00957", r"i/o timeout", r" sC-- "),
    "proxy.upstream_refused": (r"\(111: ", r"\(111\)", r"connect: connection refused", r" SC-- "),
    "proxy.upstream_unreachable": (r"\((?:113|101)[:)]", r"no route to host", r"network is unreachable"),
    "proxy.upstream_hangs": (
        r"\(110: .* while reading",
        r"\(70007\).*AH01102",
        r"timeout awaiting response|context deadline exceeded",
        r" sH-- ",
    ),
    "proxy.upstream_closes": (
        r"prematurely closed connection while reading response header",
        r"\(104: .*reading response header",
        r"\((?:20014|104)\).*AH01102",
        r'"msg":"EOF"|connection reset by peer|server closed idle',
        r" SH-- ",
    ),
    "proxy.upstream_garbage": (r"no valid HTTP", r"malformed HTTP", r"AH01106", r" PH-- "),
    "proxy.upstream_cut": (r"prematurely closed connection while reading upstream", r"AH01110", r" SD-- "),
}
"""In this order: what says more comes first."""


def meaning(line: str) -> str:
    """The code of what an error line says of an upstream; "" where it says nothing of one."""
    return next((code for code, forms in _MEANINGS.items() if any(re.search(form, line) for form in forms)), "")


def words(proxy: str, name: str, upstreams: tuple[str, ...]) -> tuple[str, ...]:
    """What a line must have in it to be of a request for ``name``, or of what takes all requests down."""
    if proxy == "nginx":
        return (f'host: "{name}', "worker_connections", "Too many open files")
    if proxy == "apache":  # its lines do not name the site
        marks = ("AH00484", "AH00485", "AH03490", "AH01144", "AH10124", "AH01106", "AH00898", "AH01110")
        return (*upstreams, *marks, "Too many open files")
    if proxy == "caddy":
        return (f'"host":"{name}', "too many open files")
    return ()
