"""What usually goes wrong outside, as a value: nobody has to catch anything."""

import errno
from typing import NamedTuple


class Failure(NamedTuple):
    """A usual failure.

    ``kind`` is one of: refused, timeout, reset, closed (the end came before a full answer),
    unreachable, name (not resolved), resolver (it gives no answer), protocol (not what was expected
    there), tls (certificate or handshake), permission, missing, not_executable, given_up (never
    tried: the time went in waiting), login (none, or a wrong one), locked (the login is in a file closed to this user),
    slow (it answers, but not all in time), error. ``detail`` is one clean line without secrets.
    """

    kind: str
    detail: str


_KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EAFNOSUPPORT: "unreachable",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.ENXIO: "missing",
}


def from_os_error(error: OSError) -> Failure:
    """The failure behind ``error``, in the kernel's words and without the path."""
    if isinstance(error, TimeoutError):
        return Failure("timeout", "timed out")
    return Failure(_KINDS.get(error.errno or 0, "error"), (error.strerror or str(error)).lower())
