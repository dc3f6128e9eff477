"""Which names a certificate is for, as browsers judge it (RFC 6125, RFC 9525)."""

from __future__ import annotations

from cozydiag.certificates.certificate import Certificate
from cozydiag.host.url import is_address


def covers(certificate: Certificate, name: str) -> bool:
    """A star stands for one whole label, the first: `*.d` is for `alice.d`, not for `drive.alice.d`.

    The common name counts only where nobody looks at names anyway: people accept a self-signed one by hand.
    """
    names = certificate.names
    if not names and certificate.self_signed:
        names = (certificate.subject.lower(),)
    name = name.lower().rstrip(".")
    _, dot, parent = name.partition(".")
    return name in names or (bool(dot) and not is_address(name) and f"*.{parent}" in names)
