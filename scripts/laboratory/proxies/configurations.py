"""The four proxies' configurations for one site, and the command lines that run them in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scripts.laboratory.proxies.packages import folder

SITE = "cozy.test"


class Plan(NamedTuple):
    """What is in front of what. ``targets`` are `HOST:PORT`, or paths of sockets; several make a group. ``connections``
    is how many the proxy may have, 0 for its usual number; ``module``: whether Apache has one to pass requests on."""

    folder: Path
    port: int
    admin: int
    targets: tuple[str, ...]
    scheme: str = "http"
    connections: int = 0
    module: bool = True


def write(proxy: str, plan: Plan) -> tuple[Path, list[str]]:
    """The main file, and what to type behind the program's name."""
    text, name, words = {"nginx": _nginx, "apache": _apache, "caddy": _caddy, "haproxy": _haproxy}[proxy](plan)
    path = plan.folder / name
    path.write_text(text, "utf-8")
    return path, [word.replace("{file}", str(path)) for word in words]


def _nginx(plan: Plan) -> tuple[str, str, list[str]]:
    places = [f"unix:{one}" if one.startswith("/") else one for one in plan.targets]
    named = "invalid" in places[0]
    members = "".join(f"        server {one};\n" for one in places)
    group = "" if named else f"    upstream cozy {{\n{members}    }}\n"
    line = f"set $up {places[0].split(':')[0]};\n            proxy_pass {plan.scheme}://$up:9104;" if named else (
        f"proxy_pass {plan.scheme}://cozy;")  # fmt: skip
    temp = "".join(f"    {kind}_temp_path {plan.folder}/temporary;\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    text = f"""daemon off;
worker_processes 1;
pid {plan.folder}/temporary/nginx.pid;
error_log {plan.folder}/logs/error.log;
events {{ worker_connections {plan.connections or 256}; }}
http {{
{temp}    access_log off;
{group}    server {{
        listen 127.0.0.1:{plan.port};
        server_name {SITE};
        location / {{
            proxy_read_timeout 1s;
            proxy_connect_timeout 1s;
            proxy_set_header Host $host;
            {line}
        }}
    }}
}}
"""
    return text, "nginx.conf", ["-e", f"{plan.folder}/logs/error.log", "-c", "{file}"]


def _apache(plan: Plan) -> tuple[str, str, list[str]]:
    modules = ["mpm_event", "authz_core", "proxy", "info", "ssl", "lbmethod_byrequests", "proxy_balancer"]
    modules += ["slotmem_shm", *(["proxy_http"] if plan.module else [])]
    load = "".join(f"LoadModule {one}_module {folder()}/usr/lib/apache2/modules/mod_{one}.so\n" for one in modules)
    urls = [f"unix:{one}|{plan.scheme}://localhost" if one.startswith("/") else f"{plan.scheme}://{one}"
            for one in plan.targets]  # fmt: skip
    members = "".join(f"        BalancerMember {url}\n" for url in urls)
    members += "        ProxySet forcerecovery=Off\n"
    group = f"    <Proxy balancer://cozy>\n{members}    </Proxy>\n" if len(urls) > 1 else ""
    target = "balancer://cozy/" if len(urls) > 1 else f"{urls[0]}/ connectiontimeout=1"
    most = plan.connections or 64
    workers = f"ServerLimit 1\nThreadsPerChild {most}\nMaxRequestWorkers {most}\n"
    text = f"""ServerRoot {plan.folder}
DefaultRuntimeDir {plan.folder}/temporary
PidFile {plan.folder}/temporary/apache.pid
Mutex file:{plan.folder}/temporary
{load}StartServers 1
{workers}ServerName localhost
ErrorLog {plan.folder}/logs/error.log
Listen 127.0.0.1:{plan.port}
<VirtualHost 127.0.0.1:{plan.port}>
    ServerName {SITE}
    ProxyPreserveHost On
    ProxyTimeout 1
    SSLProxyEngine On
    SSLProxyVerify none
    SSLProxyCheckPeerName off
{group}    ProxyPass / {target}
</VirtualHost>
"""
    return text, "apache.conf", ["-f", "{file}", "-D", "FOREGROUND"]


def _caddy(plan: Plan) -> tuple[str, str, list[str]]:
    targets = " ".join(f"unix/{one}" if one.startswith("/") else f"{plan.scheme}://{one}" for one in plan.targets)
    tls = "tls_insecure_skip_verify" if plan.scheme == "https" else ""
    health = "health_uri /\n        health_interval 600s\n        health_timeout 1s" if len(plan.targets) > 1 else ""
    text = f"""{{
    admin 127.0.0.1:{plan.admin}
    auto_https off
    log {{
        output file {plan.folder}/logs/error.log
        level ERROR
    }}
}}
http://{SITE}:{plan.port} {{
    bind 127.0.0.1
    reverse_proxy {targets} {{
        {health}
        transport http {{
            {tls}
            dial_timeout 1s
            response_header_timeout 1s
            max_response_header 8KB
        }}
    }}
}}
"""
    return text, "Caddyfile", ["run", "--config", "{file}", "--adapter", "caddyfile"]


def _haproxy(plan: Plan) -> tuple[str, str, list[str]]:
    secure = " ssl verify none" if plan.scheme == "https" else ""
    check = " check inter 600s observe layer4 error-limit 1 on-error mark-down" if len(plan.targets) > 1 else ""
    named = " init-addr none" if plan.targets and "invalid" in plan.targets[0] else ""
    members = "".join(f"    server s{number} {one}{secure}{check}{named}\n" for number, one in enumerate(plan.targets))
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
    retries 1
frontend http-in
    bind 127.0.0.1:{plan.port}
    use_backend cozy if {{ hdr(host),field(1,:) -i {SITE} }}
backend cozy
{members}"""
    return text, "haproxy.cfg", ["-db", "-f", "{file}"]
