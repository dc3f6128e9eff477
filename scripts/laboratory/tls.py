"""What can be wrong with names and certificates: the sandbox's nginx speaks TLS, with certificates made on the spot."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from cozydiag.sandbox import Sandbox, SandboxError, files
from cozydiag.sandbox.layout import write
from cozydiag.text import t
from scripts.laboratory.waiting import until

NAME = "cozy.localhost"
PAST, NOW, LATER = "20200101000000Z", "20210101000000Z", "21190101000000Z"
END = "21200101000000Z"

_AUTHORITY = """[ca]
default_ca=here
[here]
new_certs_dir={folder}
database={folder}/index.txt
serial={folder}/serial
default_md=sha256
policy=any
unique_subject=no
[any]
commonName=supplied
[authority]
basicConstraints=critical,CA:TRUE
[site]
basicConstraints=CA:FALSE
subjectAltName={names}
authorityInfoAccess=caIssuers;URI:http://authority.invalid/
"""


def certificate(sandbox: Sandbox, **wanted: str) -> None:
    """As `issue`, in the sandbox's own folder."""
    issue(sandbox.layout.path("tls"), **wanted)


def issue(
    folder: str,
    *,
    names: str = f"DNS:{NAME}",
    begin: str = PAST,
    end: str = END,
    issuer: str = "",
    file: str = "site",
) -> None:
    """Makes FILE.crt and FILE.key, signed by itself or by the authority ``issuer`` of an earlier call."""
    program = shutil.which("openssl")
    if program is None:
        raise SandboxError(t("The lab needs this program: {name}.", name="openssl"))
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
        write(os.path.join(folder, "index.txt"), "")
        write(os.path.join(folder, "serial"), "01\n")
    settings = os.path.join(folder, "openssl.cnf")
    write(settings, _AUTHORITY.format(folder=folder, names=names))

    def openssl(*words: str) -> None:
        subprocess.run([program, *words], cwd=folder, check=True, capture_output=True)

    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{file}.key")
    openssl("req", "-new", "-key", f"{file}.key", "-subj", f"/CN=lab {file}", "-out", f"{file}.csr")
    signer = (
        ("-cert", f"{issuer}.crt", "-keyfile", f"{issuer}.key") if issuer else ("-selfsign", "-keyfile", f"{file}.key")
    )
    kind = "authority" if file.startswith("authority") else "site"
    openssl("ca", "-batch", "-config", settings, "-notext", "-in", f"{file}.csr", "-extensions", kind, *signer,
            "-startdate", begin, "-enddate", end, "-out", f"{file}.crt")  # fmt: skip


def site(sandbox: Sandbox, *, names: str = NAME, more: str = "") -> str:
    """The site of the sandbox, over TLS."""
    text = files.nginx_site(sandbox.layout, sandbox.layout.port("cozy-proxy"))
    port, folder = sandbox.layout.port("nginx"), sandbox.layout.path("tls")
    pair = f"ssl_certificate {folder}/site.crt;\n    ssl_certificate_key {folder}/site.key;"
    text = text.replace(f"listen 127.0.0.1:{port};", f"listen 127.0.0.1:{port} ssl;\n    {pair}").replace(
        f"server_name {NAME};", f"server_name {names};"
    )
    return text.replace("proxy_redirect http:// https://;", "") + more


def serve(sandbox: Sandbox, **settings: str) -> None:
    """nginx starts with that site, and cozydiag is told that it speaks TLS."""
    write(sandbox.layout.path("sites-enabled", "cozy.conf"), site(sandbox, **settings))
    with open(sandbox.config, encoding="utf-8") as file:
        told = file.read()
    write(sandbox.config, told.replace(f'"http://{NAME}', f'"https://{NAME}'))
    restart(sandbox)


def restart(sandbox: Sandbox) -> None:
    sandbox.supervisor.stop("nginx")
    sandbox.supervisor.start("nginx")
    until(partial(_takes, sandbox.layout.port("nginx")), "nginx")


def _takes(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _one(sandbox: Sandbox, names: str = f"DNS:{NAME}", begin: str = PAST, end: str = END) -> None:
    certificate(sandbox, names=names, begin=begin, end=end)
    serve(sandbox)


def _by_authority(sandbox: Sandbox, *, whole: bool) -> None:
    certificate(sandbox, file="authority")
    certificate(sandbox, issuer="authority")
    if whole:
        folder = sandbox.layout.path("tls")
        chain = "".join(open(f"{folder}/{name}.crt", encoding="utf-8").read() for name in ("site", "authority"))  # noqa: SIM115
        write(f"{folder}/site.crt", chain)
    serve(sandbox)


def _renewed(sandbox: Sandbox) -> None:
    """The old one is served, the new one has been laid in its place."""
    _one(sandbox, end=NOW)
    certificate(sandbox)


def _wrong_key(sandbox: Sandbox) -> None:
    _one(sandbox)
    certificate(sandbox, file="other")
    os.replace(sandbox.layout.path("tls", "other.key"), sandbox.layout.path("tls", "site.key"))


def _with(sandbox: Sandbox, **settings: str) -> None:
    certificate(sandbox)
    serve(sandbox, **settings)


def _plain(sandbox: Sandbox) -> None:
    """Beside TLS there is a port that does not lead to it."""
    port = free_port()
    more = f"server {{ listen 127.0.0.1:{port}; server_name {NAME}; location / {{ return 200 plain; }} }}\n"
    _with(sandbox, more=more)


def _twice(sandbox: Sandbox) -> None:
    """Another site of the same name, which nginx passes over with a warning."""
    port = sandbox.layout.port("nginx")
    _with(sandbox, more=f"server {{ listen 127.0.0.1:{port} ssl; server_name {NAME}; return 204; }}\n")


def _taken(sandbox: Sandbox) -> None:
    """The site is to listen on a port that another program has; nginx has not been told yet."""
    port = free_port()
    line = [sys.executable, "-m", "cozydiag.sandbox.programs.squatter", str(port)]
    subprocess.run(line, env=files.environment(sandbox.layout), cwd=sandbox.layout.work, check=True)
    until(partial(_takes, port), "the other program")
    text = files.nginx_site(sandbox.layout, sandbox.layout.port("cozy-proxy"))
    write(
        sandbox.layout.path("sites-enabled", "cozy.conf"),
        text.replace("server_name", f"listen 127.0.0.1:{port};\n    server_name"),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


FAULTS: dict[str, Callable[[Sandbox], None]] = {
    "tls-self-signed": _one,
    "tls-expired": partial(_one, end=NOW),
    "tls-not-yet": partial(_one, begin=LATER),
    "tls-wrong-name": partial(_one, names="DNS:other.localhost"),
    "tls-incomplete": partial(_by_authority, whole=False),
    "tls-unknown-authority": partial(_by_authority, whole=True),
    "tls-not-reloaded": _renewed,
    "tls-wrong-key": _wrong_key,
    "tls-apps-not-named": partial(_with, names=f"{NAME} *.{NAME}"),
    "tls-no-redirect": _plain,
    "tls-two-sites": _twice,
    "port-taken-before-reload": _taken,
}
