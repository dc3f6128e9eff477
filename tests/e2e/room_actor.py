"""A process of a made machine (`room.py`): its name, and what answers at its ports and sockets. It reads its role from
the environment, and its program from the standard input, so that its title is all of its command line."""

import json
import os
import socket
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROLE = json.loads(os.environ.pop("ROLE"))


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302)
        plain = "tls" in ROLE and self.connection.getsockname()[1] == 80
        self.send_header("Location", f"https://{self.headers['Host']}/" if plain else "/login")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


class Docker(Site):
    """The Engine API of a machine with some containers (docs.docker.com/reference/api/engine/version/v1.41)."""

    def address_string(self) -> str:
        return ""

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        one = next((each for each in ROLE["docker"] if each["Id"] in self.path), None)
        if one is None:
            found = [each for each in ROLE["docker"] if "filters" not in self.path or not each["State"]["Running"]]
            self.answer(json.dumps([{"Id": each["Id"]} for each in found]).encode())
        elif "/logs" in self.path:
            line = b"Error: the database is not there\n"
            self.answer(b"\2\0\0\0" + len(line).to_bytes(4, "big") + line)
        else:
            self.answer(json.dumps(one).encode())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (("Api-Version", "1.41"), ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Daemon(socketserver.ThreadingUnixStreamServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who asks may leave before he has heard all."""


def named() -> None:
    Path("/proc/self/comm").write_text(ROLE["name"])


def work() -> None:
    """A child of the same name."""
    parent = os.getpid()
    if os.fork() == 0:
        named()
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(0)


def serve(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, daemon=True).start()


named()
if ROLE.get("worker"):
    work()
for port in ROLE.get("ports", ()):
    site = ThreadingHTTPServer(("127.0.0.1", port), Site)
    if port == 443:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ROLE["tls"])
        site.socket = context.wrap_socket(site.socket, server_side=True)
    serve(site)
if "docker" in ROLE:
    serve(Daemon("/run/docker.sock", Docker))
held = socket.socket(socket.AF_UNIX)
if "socket" in ROLE:
    held.bind(ROLE["socket"])
    held.listen()
if "stale" in ROLE:  # as a process that was killed leaves it
    held.bind(ROLE["stale"])
    held.close()
if "pid_file" in ROLE:
    Path(ROLE["pid_file"]).write_text(str(os.getpid()))
os.write(1, b"ready\n")
os.close(1)
while True:
    time.sleep(10)
