"""The certificates of a proxy in the lab: one that is wrong in one way, and what is done to it behind its back."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.laboratory.proxies.configurations import SITE
from scripts.laboratory.tls import LATER, NOW, issue


def make(folder: Path, fault: str) -> None:
    """tls/site.crt, tls/site.key, and both in one as HAProxy wants them."""
    tls = str(folder / "tls")
    if fault in ("tls-incomplete", "tls-unknown-authority"):
        issue(tls, file="authority")
        issue(tls, issuer="authority")
        if fault == "tls-unknown-authority":
            _join(folder, "site.crt", "site.crt", "authority.crt")
    else:
        issue(tls, **{
            "tls-expired": {"end": NOW},
            "tls-not-reloaded": {"end": NOW},
            "tls-not-yet": {"begin": LATER},
            "tls-wrong-name": {"names": "DNS:other.localhost"},
        }.get(fault, {"names": f"DNS:{SITE}"}))  # fmt: skip
    _open(folder)


def spoil(folder: Path, fault: str) -> None:
    """What happens to the files once the proxy has read them."""
    tls = folder / "tls"
    if fault == "tls-not-reloaded":
        issue(str(tls))
    elif fault.startswith("tls-wrong-key"):
        issue(str(tls), file="other")
        (tls / "other.key").replace(tls / "site.key")
    elif fault.startswith("tls-missing"):
        for name in ("site.crt", "site.pem"):
            (tls / name).unlink()
        return
    else:
        return
    _open(folder)


def _open(folder: Path) -> None:
    """The proxy is another user than root."""
    _join(folder, "site.pem", "site.crt", "site.key")
    (folder / "tls").chmod(0o755)
    for name in ("site.crt", "site.key", "site.pem"):
        os.chmod(folder / "tls" / name, 0o644)


def _join(folder: Path, name: str, *parts: str) -> None:
    (folder / "tls" / name).write_bytes(b"".join((folder / "tls" / part).read_bytes() for part in parts))
