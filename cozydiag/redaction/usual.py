"""Names and addresses that say nothing of anybody, and those below which everybody has one."""

from __future__ import annotations

SLUGS = frozenset([
    "home", "drive", "settings", "photos", "contacts", "calendar", "calendars", "emails", "email", "store", "notes",
    "passwords", "banks", "bank", "tasks", "files", "mails", "collect", "konnectors", "data-system", "proxy",
    "controller", "mespapiers", "pass", "sync", "bookmarks", "blog", "onboarding", "search", "viewer", "dataproxy",
    "coachco2", "mycozy", "connect", "www", "mail", "smtp", "imap", "pop", "mx", "ns1", "ns2", "ns", "couchdb", "api",
    "static", "assets", "cdn", "admin",
])  # fmt: skip
"""First labels that are an app's or a service's, and nobody's name."""

USUAL = frozenset([
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data", "backup",
    "list", "irc", "gnats", "nobody", "_apt", "systemd", "systemd-network", "systemd-resolve", "systemd-timesync",
    "messagebus", "sshd", "cozy", "cozy-home", "cozy-data-system", "cozy-proxy", "couchdb", "nginx", "apache", "http",
    "caddy", "haproxy", "supervisor", "postfix", "redis", "mysql", "postgres", "docker", "podman", "node", "nodejs",
    "admin", "administrator", "user", "users", "ubuntu", "debian", "pi", "vagrant", "centos", "fedora", "alpine",
    "ec2-user", "default", "guest", "test", "app", "apps", "service", "services", "home", "data", "cozy-stack",
    "dnsmasq", "statd", "ntp", "chrony", "avahi", "polkitd", "rtkit", "tss", "uuidd", "lxd", "git", "ssh", "log",
    "logs", "adm", "staff", "local", "server", "host", "localhost", "localdomain", "localhost.localdomain",
    "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters", "raspberrypi",
])  # fmt: skip
"""Names that every machine has."""

PUBLIC = frozenset([
    "co.uk", "org.uk", "me.uk", "ac.uk", "com.au", "net.au", "org.au", "co.nz", "co.jp", "com.br", "com.fr", "asso.fr",
    "gouv.fr", "nom.fr", "eu.org", "duckdns.org", "nohost.me", "noho.st", "ynh.fr", "freeboxos.fr", "dyndns.org",
    "ddns.net", "no-ip.org", "no-ip.biz", "hopto.org", "zapto.org", "sytes.net", "dynu.net", "freedns.org",
    "afraid.org", "mycozy.cloud", "cozycloud.cc", "github.io", "synology.me", "myds.me", "i234.me", "selfhost.eu",
    "spdns.org", "goip.de", "dnsalias.org", "homelinux.org", "homeip.net", "is-a-geek.org", "dedyn.io", "home.arpa",
])  # fmt: skip
"""Below these everybody has a name, as below `fr`. A part of the list of public suffixes (publicsuffix.org)."""

RESOLVERS = frozenset([
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220",
    "80.67.169.12", "80.67.169.40", "4.2.2.1", "4.2.2.2", "94.140.14.14", "94.140.15.15", "185.228.168.9", "76.76.2.0",
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe",
    "2620:fe::9", "2001:910:800::12", "2001:910:800::40",
])  # fmt: skip
"""Name servers for everybody."""
