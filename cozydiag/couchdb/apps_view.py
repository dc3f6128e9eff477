"""CouchDB as an app sees it: as its user, at the address that it was given, through the proxy that it was given."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.couchdb import access
from cozydiag.couchdb.account import Account
from cozydiag.findings import fail, ok, skip
from cozydiag.host import Host, Process
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord
from cozydiag.managers.supervisord import Program
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CURL_FAILED = {5: "proxy", 6: "name", 7: "refused", 28: "timeout", 52: "closed", 56: "reset"}
"""Exit codes of curl(1)."""


class View(NamedTuple):
    """Where the app looks for CouchDB, as which user, and what its environment says of proxies. ``proxies`` may hold
    passwords."""

    pid: int
    uid: int
    host: str
    port: int
    proxies: tuple[tuple[str, str], ...]
    url: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Users and passwords in its addresses."""
        addresses = (self.url, *(value for _, value in self.proxies))
        both = [one.rpartition("@")[0].partition("://")[2] for one in addresses]
        return (*both, *(one.partition(":")[2] for one in both))

    def __repr__(self) -> str:
        return f"View(pid={self.pid}, uid={self.uid}, place={self.host}:{self.port})"

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def of(host: Host, process: Process, usual: tuple[str, int]) -> View | None:
    """From the environment of a running app (COUCH_HOST and COUCH_PORT of v2, COZY_COUCHDB_URL of cozy-stack); None
    where it is closed to us."""
    content = host.read(f"/proc/{process.pid}/environ", max_bytes=1 << 17)
    if isinstance(content, Failure):
        return None
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in content.split(b"\0"))
    environment = {name: value for name, _, value in pairs if value}
    lower = {name.lower(): value for name, value in environment.items()}
    port, url = environment.get("COUCH_PORT", ""), environment.get("COZY_COUCHDB_URL", "")
    parsed = urls.parse(url) if url else None
    name = parsed.host if parsed else environment.get("COUCH_HOST") or usual[0]
    number = parsed.port if parsed else int(port) if port.isdigit() else usual[1]
    proxies = tuple((key, lower[key]) for key in _PROXIES if key in lower)
    if process.name == "cozy-stack" and (name == "localhost" or name.startswith("127.") or name == "::1"):
        proxies = ()  # Go takes no proxy to this machine itself (net/http, ProxyFromEnvironment)
    return View(process.pid, process.uid, name, number, proxies, url)


def differs(view: View, usual: tuple[str, int]) -> bool:
    """Whether the app would go another way than we do."""
    through = any(name in ("http_proxy", "all_proxy") for name, _ in view.proxies)
    return through or (view.host, view.port) != usual


def finding(host: Host, stack: Stack, process: Process, *, always: bool = False) -> Finding:
    """What ``process`` sees of CouchDB. Where it goes the same way as we do it is asked only if ``always``: that starts
    a program."""
    usual = stack.config.couchdb.address
    view = of(host, process, usual)
    if view is None:
        return skip(t("no app runs that could be asked"))
    if not always and not differs(view, usual):
        return ok(t("the apps reach CouchDB as cozydiag does"))
    stack.keep_secret(*view.secrets)
    same = (view.host, view.port) == usual  # to another server no login is sent
    account = access.known(stack, host) if same else None
    seen = look(host, view, account)
    if account is not None and seen in (401, 403):
        account.turned_away(int(seen))
    return _judged(view, seen)


def lost_to_localhost(host: Host, stack: Stack, program: Program) -> Finding | None:
    """The last words of an app that is down say that it was refused at another address of `localhost` than the one that
    CouchDB has."""
    place, port = stack.config.couchdb.address
    words = f"ECONNREFUSED ::1:{port}"
    line = next((one for one in supervisord.log_tail(host, stack.socket(host), program)[-20:] if words in one), None)
    if line is None or place == "::1" or any(one.address in ("::1", "::") for one in host.listeners(port)):
        return None
    return fail(
        "couchdb.localhost",
        t("for {name} `localhost` is ::1, where CouchDB does not listen: it has {place}", name=program.name,
          place=f"{place}:{port}"),
        t("Write 127.0.0.1 instead of localhost into the app's settings (COUCH_HOST), or let CouchDB listen on ::1 as "
          "well (bind_address). Node.js takes ::1 first from version 17 on."),
        role="couchdb",
        proof=Evidence(f"{program.service} log", line),
        restart_helps=False,
    )  # fmt: skip


def _judged(view: View, seen: int | str) -> Finding:
    if seen == "unknown":
        return skip(t("it could not be tried as the apps do it: setpriv or curl is missing"))
    if seen == 200:
        return ok(t("the apps reach CouchDB at {place}", place=view.place))
    names = ", ".join(name for name, _ in view.proxies) or ("COZY_COUCHDB_URL" if view.url else "COUCH_HOST")
    return fail(
        "couchdb.out_of_reach",
        t("CouchDB answers here, but not to the apps at {place}: {why}", place=view.place, why=str(seen)),
        t("See {names} in the environment of process {pid}: an app must reach CouchDB directly (no_proxy), at an "
          "address where it listens. `localhost` can be ::1 for the app and 127.0.0.1 for CouchDB.",
          names=names, pid=view.pid),
        role="couchdb",
        proof=Evidence(f"process {view.pid}, user {view.uid}", f"{view.place}: {seen}"),
        restart_helps=False,
    )  # fmt: skip


def look(host: Host, view: View, account: Account | None) -> int | str:
    """The HTTP status that the app's user gets of `/_session` with the login, or what went wrong instead; of `/`
    without one, where no ``account`` is given.

    One request by curl. Address, login and proxies come to it by standard input, none of them in its arguments or
    its environment.
    """
    with_login = account is not None and account.is_known and not account.credentials.bearer
    path = "/_session" if with_login else "/"
    lines = [f"url = {_quoted(f'http://{view.place}{path}')}", 'header = "Accept: application/json"']
    lines += ['output = "/dev/null"', 'write-out = "%{http_code}"', "silent", f"max-time = {_seconds(host)}"]
    if account is not None and with_login:
        lines.append(f"user = {_quoted(f'{account.credentials.user}:{account.credentials.password}')}")
    given = dict(view.proxies)
    proxy = given.get("http_proxy") or given.get("all_proxy")
    lines += [f"proxy = {_quoted(proxy)}"] if proxy else ['proxy = ""']
    lines += [f"noproxy = {_quoted(given['no_proxy'])}"] if "no_proxy" in given else []
    argv = ["setpriv", f"--reuid={view.uid}", f"--regid={view.uid}", "--clear-groups", "curl", "-q", "-K", "-"]
    done = host.run(argv, stdin=("\n".join(lines) + "\n").encode(), max_output=4096)
    if isinstance(done, Failure):
        return "unknown"
    status = done.stdout.strip()
    if done.code == 0 and status.isdigit() and status != b"000":
        return int(status)
    return _CURL_FAILED.get(done.code, "unknown" if done.code in (1, 2, 126, 127) else f"curl {done.code}")


def _quoted(word: str) -> str:
    """A value in curl's configuration file (curl(1), --config): line ends cannot get in."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _seconds(host: Host) -> int:
    return max(1, int(host.deadline.remaining()))
