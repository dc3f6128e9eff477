"""The four proxies' configurations for one site, and the command lines that run them in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scripts.laboratory.proxies.packages import folder

SITE = "cozy.localhost"
PAGE = "<title>Welcome to nginx!</title>"
"""What the other site shows."""


class Plan(NamedTuple):
    """What is in front of what. ``targets`` are `HOST:PORT`, or paths of sockets; several make a group. ``connections``
    is how many the proxy may have, 0 for its usual number; ``module``: whether Apache has one to pass requests on.

    ``secure``: it speaks TLS, with tls/site.crt and tls/site.key of the folder, and passes on all that a Cozy needs.
    ``names`` are those of the site. ``plain`` is a port where the same name is answered without TLS, ``more`` another
    port of the site, 0 for none. ``twice``: there is a second site of the same name. ``static``: it leads nowhere and
    shows PAGE. ``lacks``: what does not get through to the Cozy (`host`, `websocket`, `uploads`, `quiet`, `proto`)."""

    folder: Path
    port: int
    admin: int
    targets: tuple[str, ...]
    scheme: str = "http"
    connections: int = 0
    module: bool = True
    secure: bool = False
    names: tuple[str, ...] = (SITE,)
    plain: int = 0
    more: int = 0
    twice: bool = False
    static: bool = False
    lacks: str = ""

    @property
    def certificate(self) -> Path:
        return self.folder / "tls" / "site"


def write(proxy: str, plan: Plan) -> tuple[Path, list[str]]:
    """The main file, and what to type behind the program's name."""
    text, name, words = {"nginx": _nginx, "apache": _apache, "caddy": _caddy, "haproxy": _haproxy}[proxy](plan)
    path = plan.folder / name
    path.write_text(text, "utf-8")
    return path, [word.replace("{file}", str(path)) for word in words]


_NGINX = {
    "host": "proxy_set_header Host $host;",
    "websocket": "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;",
    "uploads": "client_max_body_size 1g;",
    "quiet": "proxy_read_timeout 1h;",
    "proto": "proxy_set_header X-Forwarded-Proto $scheme;",
}
"""What a Cozy needs to have passed on."""


def _nginx(plan: Plan) -> tuple[str, str, list[str]]:
    places = [f"unix:{one}" if one.startswith("/") else one for one in plan.targets]
    named = "invalid" in places[0]
    members = "".join(f"        server {one};\n" for one in places)
    group = "" if named else f"    upstream cozy {{\n{members}    }}\n"
    line = f"set $up {places[0].split(':')[0]};\n            proxy_pass {plan.scheme}://$up:9104;" if named else (
        f"proxy_pass {plan.scheme}://cozy;")  # fmt: skip
    if plan.static:
        line = f"return 200 '{PAGE}';"
    temp = "".join(f"    {kind}_temp_path {plan.folder}/temporary;\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    ssl = " ssl" if plan.secure else ""
    pair = f"ssl_certificate {plan.certificate}.crt; ssl_certificate_key {plan.certificate}.key;" if plan.secure else ""
    passes = "proxy_read_timeout 1s; proxy_set_header Host $host;"
    if plan.secure:
        passes = " ".join(line for name, line in _NGINX.items() if name != plan.lacks)
        passes += " proxy_read_timeout 20s;" if plan.lacks == "quiet" else ""
    more = (
        f"    server {{ listen 127.0.0.1:{plan.plain}; server_name {SITE}; return 200 plain; }}\n" if plan.plain else ""
    )
    if plan.twice:
        more += f"    server {{ listen 127.0.0.1:{plan.port}{ssl}; server_name {SITE}; {pair} return 204; }}\n"
    text = f"""daemon off;
worker_processes 1;
pid {plan.folder}/temporary/nginx.pid;
error_log {plan.folder}/logs/error.log;
events {{ worker_connections {plan.connections or 256}; }}
http {{
{temp}    access_log off;
{group}    server {{
        listen 127.0.0.1:{plan.port}{ssl}; {pair}
        {f"listen 127.0.0.1:{plan.more}{ssl};" if plan.more else ""}
        server_name {" ".join(plan.names)};
        location / {{
            {passes}
            proxy_connect_timeout 1s;
            {line}
        }}
    }}
{more}}}
"""
    return text, "nginx.conf", ["-e", f"{plan.folder}/logs/error.log", "-c", "{file}"]


def _apache(plan: Plan) -> tuple[str, str, list[str]]:
    modules = ["mpm_event", "authz_core", "alias", "mime", "headers", "proxy", "info", "ssl", "lbmethod_byrequests"]
    modules += ["proxy_balancer", "slotmem_shm", *(["proxy_http"] if plan.module else [])]
    load = "".join(f"LoadModule {one}_module {folder()}/usr/lib/apache2/modules/mod_{one}.so\n" for one in modules)
    ports = [port for port in (plan.port, plan.more, plan.plain) if port]
    listen = "".join(f"Listen 127.0.0.1:{port}\n" for port in ports)
    doors = " ".join(f"127.0.0.1:{port}" for port in (plan.port, plan.more) if port)
    aliases = f"    ServerAlias {' '.join(plan.names[1:])}\n" if plan.names[1:] else ""
    most = plan.connections or 64
    workers = f"ServerLimit 1\nThreadsPerChild {most}\nMaxRequestWorkers {most}\n"
    text = f"""ServerRoot {plan.folder}
DefaultRuntimeDir {plan.folder}/temporary
PidFile {plan.folder}/temporary/apache.pid
Mutex file:{plan.folder}/temporary
{load}TypesConfig /dev/null
StartServers 1
{workers}ServerName localhost
ErrorLog {plan.folder}/logs/error.log
{listen}<VirtualHost {doors}>
    ServerName {plan.names[0]}
{aliases}{_apache_pair(plan)}    ProxyPreserveHost {"Off" if plan.lacks == "host" else "On"}
    LimitRequestBody {1 << 20 if plan.lacks == "uploads" else 1 << 30}
    {"" if plan.lacks == "proto" else "RequestHeader set X-Forwarded-Proto https"}
    ProxyTimeout 1
    SSLProxyEngine On
    SSLProxyVerify none
    SSLProxyCheckPeerName off
{_apache_static(plan) if plan.static else _apache_way(plan)}</VirtualHost>
{_apache_others(plan)}"""
    return text, "apache.conf", ["-f", "{file}", "-D", "FOREGROUND"]


def _apache_pair(plan: Plan) -> str:
    if not plan.secure:
        return ""
    return f"""    SSLEngine on
    SSLCertificateFile {plan.certificate}.crt
    SSLCertificateKeyFile {plan.certificate}.key
"""


def _apache_way(plan: Plan) -> str:
    """To its targets: to a group where there are several."""
    urls = [f"unix:{one}|{plan.scheme}://localhost" if one.startswith("/") else f"{plan.scheme}://{one}"
            for one in plan.targets]  # fmt: skip
    if len(urls) > 1:
        members = "".join(f"        BalancerMember {url}\n" for url in urls)
        group = f"    <Proxy balancer://cozy>\n{members}        ProxySet forcerecovery=Off\n    </Proxy>\n"
        return f"{group}    ProxyPass / balancer://cozy/\n"
    words = "connectiontimeout=1"
    if plan.secure:
        words = f"timeout={20 if plan.lacks == 'quiet' else 1600}"
        words += "" if plan.lacks == "websocket" else " upgrade=websocket"
    return f"    ProxyPass / {urls[0]}/ {words}\n"


def _apache_static(plan: Plan) -> str:
    (plan.folder / "page.html").write_text(PAGE, "utf-8")
    return f"""    AliasMatch ^/$ {plan.folder}/page.html
    <Directory {plan.folder}>
        Require all granted
    </Directory>
"""


def _apache_others(plan: Plan) -> str:
    """The same name without TLS, and a second site of it."""
    plain = f"<VirtualHost 127.0.0.1:{plan.plain}>\n    ServerName {SITE}\n</VirtualHost>\n"
    twice = f"<VirtualHost 127.0.0.1:{plan.port}>\n    ServerName {SITE}\n{_apache_pair(plan)}</VirtualHost>\n"
    return (plain if plan.plain else "") + (twice if plan.twice else "")


def _caddy(plan: Plan) -> tuple[str, str, list[str]]:
    targets = " ".join(f"unix/{one}" if one.startswith("/") else f"{plan.scheme}://{one}" for one in plan.targets)
    tls = "tls_insecure_skip_verify" if plan.scheme == "https" else ""
    health = "health_uri /\n        health_interval 600s\n        health_timeout 1s" if len(plan.targets) > 1 else ""
    limit = "request_body {\n        max_size 1MB\n    }\n    " if plan.lacks == "uploads" else ""
    wait = "20s" if plan.lacks == "quiet" else "" if plan.secure else "1s"
    way = f"""{limit}reverse_proxy {targets} {{
        {health}
        {"header_up Host localhost" if plan.lacks == "host" else ""}
        transport http {{
            {tls}
            dial_timeout 1s
            {f"response_header_timeout {wait}" if wait else ""}
            max_response_header 8KB
        }}
    }}"""
    scheme = "https" if plan.secure else "http"
    ports = [port for port in (plan.port, plan.more) if port]
    doors = ", ".join(f"{scheme}://{name}:{port}" for port in ports for name in plan.names)
    pair = f"tls {plan.certificate}.crt {plan.certificate}.key" if plan.secure else ""
    more = f"http://{SITE}:{plan.plain} {{\n    bind 127.0.0.1\n    respond plain\n}}\n" if plan.plain else ""
    if plan.twice:
        more += f"{scheme}://{SITE}:{plan.port} {{\n    bind 127.0.0.1\n    {pair}\n    respond twice\n}}\n"
    text = f"""{{
    admin 127.0.0.1:{plan.admin}
    auto_https off
    log {{
        output file {plan.folder}/logs/error.log
        level ERROR
    }}
}}
{doors} {{
    bind 127.0.0.1
    {pair}
    {f'respond "{PAGE}"' if plan.static else way}
}}
{more}"""
    return text, "Caddyfile", ["run", "--config", "{file}", "--adapter", "caddyfile"]


def _haproxy(plan: Plan) -> tuple[str, str, list[str]]:
    secure = " ssl verify none" if plan.scheme == "https" else ""
    check = " check inter 600s observe layer4 error-limit 1 on-error mark-down" if len(plan.targets) > 1 else ""
    named = " init-addr none" if plan.targets and "invalid" in plan.targets[0] else ""
    members = "".join(f"    server s{number} {one}{secure}{check}{named}\n" for number, one in enumerate(plan.targets))
    if plan.static:
        members = f"    http-request return status 200 content-type text/html string '{PAGE}'\n"
    pair = f" ssl crt {plan.certificate}.pem" if plan.secure else ""
    asked = "".join(
        f"    acl ours hdr(host),field(1,:) {'-m end ' if name[0] == '*' else ''}-i {name.lstrip('*')}\n"
        for name in plan.names
    )
    plain = f"""frontend plain
    bind 127.0.0.1:{plan.plain}
    use_backend plain if {{ hdr(host),field(1,:) -i {SITE} }}
backend plain
    http-request return status 200 content-type text/plain string plain
"""
    text = f"""global
    log stdout format raw local0
    stats socket {plan.folder}/temporary/admin.sock mode 600 level user
    {f"maxconn {plan.connections}" if plan.connections else ""}
defaults
    log global
    mode http
    option httplog
    timeout connect 1s
    timeout client 30s
    timeout server 1s
    {f"timeout tunnel {'20s' if plan.lacks == 'quiet' else '1h'}" if plan.secure else ""}
    retries 1
frontend http-in
    bind 127.0.0.1:{plan.port}{pair}
    {f"bind 127.0.0.1:{plan.more}{pair}" if plan.more else ""}
    {"" if plan.lacks == "proto" else "http-request set-header X-Forwarded-Proto https"}
{asked}    use_backend cozy if ours
{plain if plan.plain else ""}backend cozy
    {"http-request set-header Host localhost" if plan.lacks == "host" else ""}
{members}"""
    return text, "haproxy.cfg", ["-db", "-f", "{file}"]
