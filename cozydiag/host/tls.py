"""What a server shows of itself over TLS: its certificate, and whether this machine trusts it. Nothing is asked."""

from __future__ import annotations

import os
import socket
import ssl

from cozydiag.host import sockets
from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.logs import one_line
from cozydiag.host.sockets import Shown

# The machine's own list: what its administrator trusts.
AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")

_MAX_HELLO = 256 << 10


def handshake(name: str, address: str, port: int, deadline: Deadline) -> Shown | Failure:
    """Greets the server at ``address`` as one who looks for ``name``, twice where it is not trusted."""
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    strict.check_hostname = False
    known = next(filter(os.path.exists, AUTHORITIES), None)
    if known is not None:
        strict.load_verify_locations(known)
    else:
        strict.set_default_verify_paths()
    try:
        first = _greet(strict, name, address, port, deadline)
    except ssl.SSLCertVerificationError as error:
        lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
        second = _greet(lax, name, address, port, deadline)
        words = one_line(error.verify_message, 200)
        return second if isinstance(second, Failure) else Shown(second, error.verify_code, words)
    return first if isinstance(first, Failure) else Shown(first, 0, "")


def _greet(context: ssl.SSLContext, name: str, address: str, port: int, deadline: Deadline) -> bytes | Failure:
    """The certificate. In memory, so that one deadline holds for all of it. Raises SSLCertVerificationError."""
    connection = sockets.dial(address, port, deadline)
    if isinstance(connection, Failure):
        return connection
    with connection:
        try:
            return _talk(context, name, connection, deadline)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
                return Failure("protocol", "does not speak TLS")
            return Failure("tls", one_line((error.reason or "handshake failed").replace("_", " ").lower(), 200))
        except OSError as error:
            return from_os_error(error)
        except ValueError:  # a name that cannot be sent
            return Failure("name", f"{one_line(name, 253)}: not a valid name")


def _talk(context: ssl.SSLContext, name: str, connection: socket.socket, deadline: Deadline) -> bytes | Failure:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    received = 0
    while received < _MAX_HELLO:
        try:
            tls.do_handshake()
            return tls.getpeercert(binary_form=True) or Failure("tls", "no certificate")
        except ssl.SSLWantReadError:
            pass
        left = deadline.remaining()
        if not left:
            return Failure("timeout", "no handshake in time")
        connection.settimeout(left)
        connection.sendall(outgoing.read())
        piece = connection.recv(16384)
        if not piece:
            return Failure("closed", "closed before the handshake had ended")
        received += len(piece)
        incoming.write(piece)
    return Failure("protocol", "a handshake without end")


def mismatch(certificate: str, key: str) -> str | Failure:
    """Empty where the files of a certificate and a key belong together, else what is wrong, in OpenSSL's words."""

    def passphrase() -> str:
        raise PermissionError("the key has a passphrase")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, passphrase)
    except ssl.SSLError as error:
        return one_line((error.reason or "not a certificate and its key").replace("_", " ").lower(), 200)
    except PermissionError as error:
        return Failure("permission", str(error.strerror or error).lower())
    except OSError as error:
        return from_os_error(error)
    return ""
