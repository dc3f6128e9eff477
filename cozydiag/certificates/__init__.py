"""Certificates: what stands in them, and which names they are for. Whether one is to be trusted is OpenSSL's to say."""

from cozydiag.certificates.certificate import Certificate, parse, pem
from cozydiag.certificates.der import MalformedError
from cozydiag.certificates.names import covers

__all__ = ["Certificate", "MalformedError", "covers", "parse", "pem"]
