"""Names and addresses of machines and people: each gets a stand-in, and the shape of what it is part of stays.

Names come from lists (this host's own), never from patterns: every dotted word looks like a host. Addresses that say
nothing (private, loopback, well-known resolvers), versions, ports, paths and the names of Cozy's apps stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from socket import AF_INET6, inet_pton

from cozydiag.redaction.pseudonyms import Pseudonyms
from cozydiag.redaction.rule import small

SLUGS = frozenset(
    [
        "home",
        "drive",
        "settings",
        "photos",
        "contacts",
        "calendar",
        "calendars",
        "emails",
        "email",
        "store",
        "notes",
        "passwords",
        "banks",
        "bank",
        "tasks",
        "files",
        "mails",
        "collect",
        "konnectors",
        "data-system",
        "proxy",
        "controller",
        "mespapiers",
        "pass",
        "sync",
        "bookmarks",
        "blog",
        "onboarding",
        "search",
        "viewer",
        "dataproxy",
        "coachco2",
        "mycozy",
        "connect",
        "www",
        "mail",
        "smtp",
        "imap",
        "pop",
        "mx",
        "ns1",
        "ns2",
        "ns",
        "couchdb",
        "api",
        "static",
        "assets",
        "cdn",
        "admin",
    ]
)
"""First labels that are an app's or a service's, and nobody's name."""

USUAL = frozenset(
    [
        "root",
        "daemon",
        "bin",
        "sys",
        "sync",
        "games",
        "man",
        "lp",
        "mail",
        "news",
        "uucp",
        "proxy",
        "www-data",
        "backup",
        "list",
        "irc",
        "gnats",
        "nobody",
        "_apt",
        "systemd",
        "systemd-network",
        "systemd-resolve",
        "systemd-timesync",
        "messagebus",
        "sshd",
        "cozy",
        "cozy-home",
        "cozy-data-system",
        "cozy-proxy",
        "couchdb",
        "nginx",
        "apache",
        "http",
        "caddy",
        "haproxy",
        "supervisor",
        "postfix",
        "redis",
        "mysql",
        "postgres",
        "docker",
        "podman",
        "node",
        "nodejs",
        "admin",
        "administrator",
        "user",
        "users",
        "ubuntu",
        "debian",
        "pi",
        "vagrant",
        "centos",
        "fedora",
        "alpine",
        "ec2-user",
        "default",
        "guest",
        "test",
        "app",
        "apps",
        "service",
        "services",
        "home",
        "data",
        "cozy-stack",
        "dnsmasq",
        "statd",
        "ntp",
        "chrony",
        "avahi",
        "polkitd",
        "rtkit",
        "tss",
        "uuidd",
        "lxd",
        "git",
        "ssh",
        "log",
        "logs",
        "adm",
        "staff",
        "local",
        "server",
        "host",
        "localhost",
        "localdomain",
        "localhost.localdomain",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-allnodes",
        "ip6-allrouters",
        "raspberrypi",
    ]
)
"""Names that every machine has."""

_SECOND = frozenset(
    [
        "co.uk",
        "org.uk",
        "me.uk",
        "ac.uk",
        "com.au",
        "net.au",
        "org.au",
        "co.nz",
        "co.jp",
        "com.br",
        "com.fr",
        "asso.fr",
        "gouv.fr",
        "nom.fr",
        "eu.org",
        "duckdns.org",
        "nohost.me",
        "noho.st",
        "ynh.fr",
        "freeboxos.fr",
        "dyndns.org",
        "ddns.net",
        "no-ip.org",
        "no-ip.biz",
        "hopto.org",
        "zapto.org",
        "sytes.net",
        "dynu.net",
        "freedns.org",
        "afraid.org",
        "mycozy.cloud",
        "cozycloud.cc",
        "github.io",
        "synology.me",
        "myds.me",
        "i234.me",
        "selfhost.eu",
        "spdns.org",
        "goip.de",
        "dnsalias.org",
        "homelinux.org",
        "homeip.net",
        "is-a-geek.org",
        "dedyn.io",
        "home.arpa",
    ]
)
"""Below these everybody has a name, as below `fr`. A part of the list of public suffixes (publicsuffix.org)."""

_RESOLVERS = frozenset(
    [
        "1.1.1.1",
        "1.0.0.1",
        "8.8.8.8",
        "8.8.4.4",
        "9.9.9.9",
        "149.112.112.112",
        "208.67.222.222",
        "208.67.220.220",
        "80.67.169.12",
        "80.67.169.40",
        "4.2.2.1",
        "4.2.2.2",
        "94.140.14.14",
        "94.140.15.15",
        "185.228.168.9",
        "76.76.2.0",
        "2001:4860:4860::8888",
        "2001:4860:4860::8844",
        "2606:4700:4700::1111",
        "2606:4700:4700::1001",
        "2620:fe::fe",
        "2620:fe::9",
        "2001:910:800::12",
        "2001:910:800::40",
    ]
)

_IPV4_TAIL = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d{1,3}")
"""Beginning with a dot, which is found faster than a digit."""

_COLONS = re.compile(r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:")
_DASHES = re.compile(r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}(?P<mark>[:-]))(?:[0-9A-Fa-f]{2}(?P=mark)){4}[0-9A-Fa-f]{2}(?![\w:-])")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])")
_BACKWARDS = re.compile(r"[\w.+'-]{0,63}[A-Za-z0-9](?![\w.+-])")
"""The name before `@`, from its end."""

_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[\w-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_UNITS = frozenset(
    [
        "service",
        "socket",
        "timer",
        "mount",
        "target",
        "slice",
        "scope",
        "path",
        "device",
        "swap",
        "automount",
        "couch",
        "local",
        "localdomain",
        "internal",
        "lan",
        "png",
        "jpg",
        "svg",
        "js",
        "css",
    ]
)
_NODES = frozenset(["couchdb", "nonode", "rabbit", "ejabberd", "git"])
_STAND_IN_NAME = re.compile(r"(?:mail)?dom(?:ain)?\d+\.example|(?:host|user|mail|name)\d+", re.IGNORECASE)

_VERSION_BEFORE = re.compile(
    r"(?:(?:version|release|\brev|\bver\.?|build|\bv)[\"']?[ :=]{0,3}[\"']?|==[\"']?|[\w.+-]-|(?<!\w)\d:|~|\+"
    r"|(?<![./\w])[A-Za-z][\w+-]{1,24}/)\Z",
    re.IGNORECASE,
)
_PRODUCT_BEFORE = re.compile(
    r"(?:(?<![\w.-])(?:lib[\w+-]{2,20}|couchdb|erts|otp|erlang|linux|kernel|openssl|supervisord?|python\d?|node(?:js)?"
    r"|npm|qt\d?|chrom(?:e|ium)|firefox|safari|edge|cozy[\w-]{0,16}|redis|java|openjdk)"
    r"|(?:up|down)grad\w{1,3}(?: from)?(?: [\d.]{7,15} to)?)[ \t]\(?\Z",
    re.IGNORECASE,
)
"""Programs that have versions of four numbers, and that no log names right before a client's address."""

_VERSION_WORDS = ("ver", "rel", "rev", "build", "v", "==")
_VERSION_AFTER = re.compile(r"[-+~]\w|\.\d|\.\*| (?:installed|available|released|upgraded)")
_PACKAGES = (
    ":amd64", ":arm64", ":armhf", ":armel", ":i386", ":riscv64", ":all ", "Setting up ", "Unpacking ",
    "Preparing to unpack ", "Selecting ", "Installing ", "Upgrading ", "Removing ",
)  # fmt: skip
"""What stands in lines about versions of packages (dpkg, apt, pip, dnf)."""


class Identity:
    """``domains`` and ``hosts`` are this host's own names, ``users`` the login names of its people."""

    def __init__(self, domains: Iterable[str] = (), hosts: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        names = {name.lower().strip(".").removeprefix("*.") for name in (*domains, *hosts)}
        own = {_registrable(name) for name in names if "." in name}
        self.domains = frozenset(name for name in own if name and not _STAND_IN_NAME.fullmatch(name))
        short = {name.lower().partition(".")[0] for name in hosts}
        self.hosts = frozenset(filter(_says_something, short))
        self.users = frozenset(user for user in users if _says_something(user) and user.lower() not in self.hosts)
        self._names = {**dict.fromkeys(self.hosts, "host"), **dict.fromkeys(self.domains, "domain")}
        self._names |= {user.lower(): "user" for user in self.users}
        self._ordered = sorted(self._names, key=lambda name: (-len(name), name))
        self._dull: set[str] = set()
        self._addresses: dict[str, str] = {}

    def use(self, pseudonyms: Pseudonyms, shown: dict[str, set[str]]) -> None:
        """Numbers come from ``pseudonyms``; every stand-in that is used is put into ``shown``, by kind."""
        self._pseudonyms, self._shown = pseudonyms, shown

    def hide(self, text: str) -> str:
        """``text`` with stand-ins; it may have many lines."""
        for mark in ("@", "%40"):
            if mark in text:
                text = self._without_mails(text, mark)
        text = self._without_names(text)
        text = self._without_ipv4(text)
        if _has_colons(text):
            text = "\n".join(self._colons(line) if _has_colons(line) else line for line in text.split("\n"))
        return text

    def _count(self, kind: str, shown: str, true: str) -> str:
        self._shown.setdefault(kind, set()).add(shown)
        return self._pseudonyms.name(shown, true)

    def _numbered(self, kind: str, prefix: str, true: str, suffix: str = "") -> str:
        return self._count(kind, f"{prefix}{self._pseudonyms.number(prefix, true)}{suffix}", true)

    # -- names ---------------------------------------------------------------------------------------------

    def _without_mails(self, text: str, mark: str) -> str:
        pieces, done, at = [], 0, text.find(mark)
        while at >= 0:
            domain = _DOMAIN.match(text, at + len(mark))
            back = _BACKWARDS.match(text[max(done, at - 65) : at][::-1]) if domain else None
            if domain and back and (shown := self._mail(back[0][::-1], mark, domain[0])):
                pieces += [text[done : at - back.end()], shown]
                done = domain.end()
            at = text.find(mark, at + 1)
        return "".join([*pieces, text[done:]])

    def _mail(self, local: str, mark: str, domain: str) -> str:
        """The stand-in of an address; "" where it is none."""
        low = domain.lower()
        if local.lower() in _NODES or low.rpartition(".")[2] in _UNITS:
            return ""
        if _STAND_IN_NAME.fullmatch(
            low.rpartition(".")[0].rpartition(".")[2] + ".example"
        ) and _STAND_IN_NAME.fullmatch(local):
            return ""
        place = self._without_names(low)
        if place == low:
            place = self._numbered("domain", "maildom", low, ".example")
        return self._numbered("mail", "mail", f"{local}@{low}") + mark + place

    def _without_names(self, text: str) -> str:
        low = small(text)
        places = sorted((at, -len(name), name) for name in self._ordered for at in _places(low, name))
        pieces, done = [], 0
        for start, _, name in places:
            first, end, kind = start, start + len(name), self._names[name]
            said = text[start:end]
            if start < done or _GOES_ON.match(text, end) or (kind == "user" and said not in self.users):
                continue
            if kind == "domain":
                if _LABEL_FOLLOWS.match(text, end):
                    continue
                first = _before(text, start, done)
                if first == start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_-"):
                    continue
                shown = self._own_domain(text[first:start], name)
            elif start and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
                continue
            else:
                shown = self._numbered(kind, kind, said if kind == "user" else name)
            pieces += [text[done:first], shown]
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text

    def _own_domain(self, labels: str, name: str) -> str:
        base = self._numbered("domain", "domain", name, ".example")
        return ".".join([*(self._label(label) for label in labels.split(".") if label), base])

    def _label(self, label: str) -> str:
        """A name under a domain: `alice-drive` has the name `alice` and the app `drive`."""
        low = label.lower()
        if (
            low in SLUGS
            or low in ("*", "_dmarc", "_domainkey")
            or re.fullmatch(r"name\d+(?:-.+)?", low)
            or label.isdigit()
        ):
            return label
        name, mark, app = label.rpartition("-")
        if mark and app.lower() in SLUGS:
            return f"{self._label(name)}-{app}"
        return self._numbered("name", "name", low)

    # -- addresses -----------------------------------------------------------------------------------------

    def _without_ipv4(self, text: str) -> str:
        pieces, done = [], 0
        packages = any(mark in text for mark in _PACKAGES)
        for found in _IPV4_TAIL.finditer(text):
            end = found.end()
            start = at = found.start()
            while at - start < 3 and start > done and text[start - 1] in _DIGITS:
                start -= 1
            said = text[start:end]
            if said in self._dull or start == at:
                continue
            if said not in self._addresses and _says_nothing(said):
                self._dull.add(said)
            elif _is_address(text, start, end) and not (packages and _is_package(text, start)):
                pieces += [text[done:start], self._addresses.get(said) or self._ipv4_stand_in(said)]
                done = end
        if len(self._dull) > _REMEMBERED:
            self._dull.clear()
        if len(self._addresses) > _REMEMBERED:
            self._addresses.clear()
        return "".join([*pieces, text[done:]]) if pieces else text

    def _ipv4_stand_in(self, said: str) -> str:
        number = self._pseudonyms.number("ip4-net", said.rpartition(".")[0])
        host = self._pseudonyms.number(f"ip4-net{number}", said)
        shown = self._addresses[said] = self._count("ip", f"<ip4-net{number}-host{host}>", said)
        return shown

    def _colons(self, line: str) -> str:
        return _IPV6.sub(self._ipv6, _MAC.sub(self._mac, line))

    def _mac(self, found: re.Match[str]) -> str:
        address = found[0].lower().replace("-", ":")
        if address in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff") or address.startswith(("33:33:", "01:00:5e:")):
            return found[0]
        return self._count("mac", f"<mac{self._pseudonyms.number('mac', address)}>", address)

    def _ipv6(self, found: re.Match[str]) -> str:
        try:
            raw = inet_pton(AF_INET6, found[0])
        except OSError:
            return found[0]
        mapped = raw[:12] == bytes(10) + b"\xff\xff"
        if mapped:
            said = ".".join(map(str, raw[12:]))
            return found[0] if _says_nothing(said) or "." in found[0] else self._ipv6_stand_in(raw)
        if (
            raw[:15] == bytes(15)
            or raw[0] in (0xFF, 0xFC, 0xFD)
            or (raw[0] == 0xFE and raw[1] >= 0x80)
            or found[0].lower() in _RESOLVERS
            or not any(raw[:8])
        ):
            return found[0]
        return self._ipv6_stand_in(raw)

    def _ipv6_stand_in(self, raw: bytes) -> str:
        number = self._pseudonyms.number("ip6-net", raw[:8].hex())
        host = self._pseudonyms.number(f"ip6-net{number}", raw.hex())
        from socket import inet_ntop

        return self._count("ip", f"<ip6-net{number}-host{host}>", inet_ntop(AF_INET6, raw))


_DIGITS = frozenset("0123456789")
_REMEMBERED = 100_000
"""Addresses that are remembered, of either sort."""


def _says_something(name: str) -> bool:
    low = name.lower()
    return (
        len(name) > 2
        and low not in USUAL
        and low not in SLUGS
        and not low.isdigit()
        and _STAND_IN_NAME.fullmatch(low) is None
    )


def _registrable(name: str) -> str:
    """The part of a name that somebody has registered, "" where there is none."""
    labels = name.split(".")
    if (
        labels[-1] in ("localhost", "local", "localdomain", "lan", "internal", "home", "test", "invalid")
        or name.replace(".", "").isdigit()
    ):
        return ""
    keep = 3 if ".".join(labels[-2:]) in _SECOND else 2
    return ".".join(labels[-keep:]) if len(labels) >= keep else ""


_GOES_ON = re.compile(r"[\w-]")
_LABEL_FOLLOWS = re.compile(
    r"\.(?!(?:conf|log|pem|crt|key|cert|csr|access|error|old|bak|gz|vhost|txt|json|ya?ml|ini|service|\d+)\b)[A-Za-z0-9]"
)
"""Another label; not the end of the name of a file."""

_LABELS = re.compile(r"(?:[\w*-]{1,63}\.){1,8}")


def _before(text: str, start: int, least: int) -> int:
    """Where the labels before a name begin."""
    first = start
    while first > least and start - first < 250 and (text[first - 1].isalnum() or text[first - 1] in "-_.*"):
        first -= 1
    return first if first == start or _LABELS.fullmatch(text, first, start) else start


def _places(text: str, name: str) -> Iterator[int]:
    at = text.find(name)
    while at >= 0:
        yield at
        at = text.find(name, at + len(name))


def _says_nothing(address: str) -> bool:
    """Private, loopback, link-local, CGNAT, multicast, well-known; or no address at all."""
    parts = [int(part) for part in address.split(".")]
    a, b = parts[0], parts[1]
    if max(parts) > 255 or any(len(part) > 1 and part[0] == "0" for part in address.split(".")):
        return True
    if (
        a in (0, 10, 127)
        or a >= 224
        or (a == 192 and b == 168)
        or (a == 172 and 16 <= b < 32)
        or (a == 169 and b == 254)
    ):
        return True
    return (a == 100 and 64 <= b < 128) or address in _RESOLVERS or address.endswith(".0.0.0")


def _has_colons(text: str) -> bool:
    """Whether there may be an IPv6 or a hardware address: a quick look."""
    return "::" in text or _COLONS.search(text) is not None or _DASHES.search(text) is not None


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether it is no version, and no part of something longer."""
    before, after = text[max(0, start - 28) : start].rpartition("\n")[2], text[end : end + 12]
    if before[-1:].isalnum() or before[-1:] in ("_", ".") or after[:1].isalnum() or after[:1] == "_":
        return False
    if _VERSION_AFTER.match(after):
        return False
    if before[-1:] in (" ", "(") and after[:1] not in (":", "/") and _PRODUCT_BEFORE.search(before):
        return False
    tail = before[-12:].lower()
    may_be = tail[-1:] in ("-", "~", "+", ":", "/") or any(word in tail for word in _VERSION_WORDS)
    return not may_be or _VERSION_BEFORE.search(before) is None


def _is_package(text: str, at: int) -> bool:
    """Whether its line, as far as it is near, is about versions of packages."""
    start = text.rfind("\n", max(0, at - _NEAR), at) + 1 or max(0, at - _NEAR)
    end = text.find("\n", at, at + _NEAR)
    near = text[start : end if end >= 0 else at + _NEAR]
    return any(mark in near for mark in _PACKAGES)


_NEAR = 160
