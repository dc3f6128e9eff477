"""A cozy-stack with one thing wrong, looked at as a whole: that thing is the cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import kinds
from cozydiag.config.values import Part, Setting
from cozydiag.cozy import settings
from cozydiag.engine import registry
from cozydiag.engine.diagnosis import Diagnosis
from cozydiag.host import Answer, Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.model import Cause, Status
from cozydiag.stack import Stack
from cozydiag.testing import REFUSED, FakeHost, Machine, Request, answer, results
from cozydiag.text.catalogue import ENGLISH, render
from tests.checks.cozy_hosts import (
    COUCHDB,
    HOUR_AGO,
    SITE,
    STACK,
    YML,
    bad,
    config,
    couchdb,
    cozy_stack,
    engine,
    look,
    machine,
    v3,
)

ALICE = SITE.format(names="alice.example *.alice.example", port=8080)
NO_HOST = ALICE.replace("proxy_set_header Host $host;", "proxy_set_header Host backend;")


def examine(folder: Path, server: Machine, site: str = ALICE) -> Diagnosis:
    return look(server, config(folder, site))[0]


def causes(folder: Path, server: Machine, site: str = ALICE) -> list[tuple[str, str | None, str]]:
    return [(one.code, one.role, str(one.severity)) for one in examine(folder, server, site).causes]


def words(cause: Cause) -> str:
    return render(cause.text, ENGLISH)


# --- what it says of itself


def status(**wrong: str) -> Callable[[Request], Answer]:
    """`/status` with one look that failed, in Go's words; HTTP 502, as cozy-stack has it."""
    said = {"cache": "healthy", "couchdb": "healthy", "fs": "healthy", **wrong, "message": "KO", "status": "KO"}

    def serve(request: Request) -> Answer:
        return answer(502, json.dumps(said)) if request.target == "/status" else cozy_stack(request)

    return serve


REFUSED_BY_COUCHDB = 'Get "http://localhost:5984/_up": dial tcp 127.0.0.1:5984: connect: connection refused'
UNKNOWN_NAME = 'Get "http://couchdb:5984/_up": dial tcp: lookup couchdb on 10.0.0.53:53: no such host'


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"couchdb": REFUSED_BY_COUCHDB}, "cozystack.couchdb"),
        ({"couchdb": UNKNOWN_NAME}, "cozystack.couchdb"),
        ({"couchdb": 'Get "http://127.0.0.1:5984/_up": context deadline exceeded'}, "cozystack.couchdb"),
        ({"couchdb": 'Get "http://127.0.0.1:5984/_up": EOF'}, "cozystack.couchdb"),
        ({"couchdb": "Invalid responde code: 404"}, "cozystack.couchdb"),
        ({"couchdb": "Invalid responde code: 401"}, "cozystack.couchdb_login"),
        ({"cache": "dial tcp 127.0.0.1:6379: connect: connection refused"}, "cozystack.redis"),
        ({"fs": "stat /var/lib/cozy/dyn-assets: no such file or directory"}, "cozystack.storage"),
    ],
)
def test_each_look_of_its_own_that_fails(wrong: dict[str, str], code: str, tmp_path: Path) -> None:
    assert causes(tmp_path, v3(web={"127.0.0.1:8080": status(**wrong)})) == [(code, "cozy.stack", "fail")]


def test_a_dead_couchdb_explains_a_cozy_stack_that_is_not_well(tmp_path: Path) -> None:
    web = {"127.0.0.1:8080": status(couchdb=REFUSED_BY_COUCHDB), "127.0.0.1:5984": REFUSED}
    diagnosis = examine(tmp_path, v3(web=web, listening={8080: 800, 6060: 800}))
    assert [(one.code, one.role) for one in diagnosis.causes] == [("service.down", "couchdb")]
    assert "cozystack.answers:cozy-stack" in diagnosis.causes[0].explains


def test_statuses_of_old_versions(tmp_path: Path) -> None:
    def old(request: Request) -> Answer:
        said = '{"couchdb":"healthy","message":"OK"}'
        return answer(200, said) if request.target == "/status" else cozy_stack(request)

    assert bad(examine(tmp_path, v3(web={"127.0.0.1:8080": old}))) == {}


@pytest.mark.parametrize("served", [answer(200, "ONLYOFFICE"), answer(502, "<center>nginx</center>"), answer(404)])
def test_another_program_on_its_port(served: Answer, tmp_path: Path) -> None:
    found = causes(tmp_path, v3(web={"127.0.0.1:8080": served}))
    assert ("service.port_taken", "cozy.stack", "fail") in found


def test_one_that_was_built_for_development(tmp_path: Path) -> None:
    def development(request: Request) -> Answer:
        said = '{"build_mode":"development","version":"1"}'
        return answer(200, said) if request.target == "/version" else cozy_stack(request)

    found = causes(tmp_path, v3(web={"127.0.0.1:8080": development}))
    assert found == [("cozystack.development", "cozy.stack", "warn")]


@pytest.mark.parametrize(
    ("served", "code"),
    [(REFUSED, "cozystack.admin_down"), (answer(200, "{}"), "cozystack.admin_open"), (answer(403), None)],
)
def test_the_admin_port(served: Answer | Failure, code: str | None, tmp_path: Path) -> None:
    found = causes(tmp_path, v3(web={"127.0.0.1:6060": served}))
    assert found == ([(code, "cozy.stack", "warn")] if code else [])


# --- its login at CouchDB


def refusing(request: Request) -> Answer | Failure:
    wrong = '{"error":"unauthorized","reason":"Name or password is incorrect."}'
    return answer(401, wrong, Server="CouchDB/3.5.0") if request.header("Authorization") else couchdb(request)


def test_a_refused_login_is_corrected_where_it_stands(tmp_path: Path) -> None:
    [found] = examine(tmp_path, v3(web={"127.0.0.1:5984": refusing, "localhost:5984": refusing})).causes
    assert (found.code, found.role) == ("couchdb.credentials_refused", "couchdb")
    assert "/etc/cozy/cozy.yml.local:2" in words(found)
    assert found.remedy is not None
    assert "restart cozy-stack" in render(found.remedy, ENGLISH)


def test_a_refused_login_of_cozydiag_alone(tmp_path: Path) -> None:
    given = config(tmp_path, ALICE)
    url = kinds.url_with_user("couchdb.url", "http://app:other@127.0.0.1:5984/")
    given = given._replace(
        couchdb=given.couchdb._replace(user=url.user, password=url.password),
        settings={**given.settings, "couchdb.url": Setting(url, "environment COZYDIAG_COUCHDB_URL")},
    )
    [found] = look(v3(web={"127.0.0.1:5984": refusing}), given)[0].causes
    assert found.code == "couchdb.credentials_refused"
    assert words(found).endswith("in COZYDIAG_COUCHDB_URL")
    assert found.remedy is not None
    assert "cozydiag alone" in render(found.remedy, ENGLISH)


# --- why it does not start


def under_systemd(server: Machine, active: str, sub: str, *log: str, result: str = "exit-code") -> Machine:
    """``server`` under a systemd that has the unit in that state, with these last lines in its journal."""

    def systemctl(argv: Sequence[str]) -> Completed:
        asked = argv[list(argv).index("--") + 1 :] if "--" in argv else ()
        unit = {"Id": "cozy-stack.service", "LoadState": "loaded", "ActiveState": active, "SubState": sub,
                "Result": result, "Type": "simple", "UnitFileState": "enabled", "MainPID": "0", "NRestarts": "5",
                "ExecMainCode": "1", "ExecMainStatus": "1"}  # fmt: skip
        blocks = [unit if name == "cozy-stack.service" else {"Id": name, "LoadState": "not-found"} for name in asked]
        shown = "\n\n".join("\n".join(f"{key}={value}" for key, value in one.items()) for one in blocks)
        return Completed(0, shown.encode() + b"\n", b"")

    journal = "\n".join(json.dumps({"MESSAGE": line}) for line in log)
    server.files = {**server.files, "/run/systemd/system": b""}
    server.commands = {**server.commands, "systemctl": systemctl, "journalctl": Completed(0, journal.encode(), b"")}
    return server


def dead(**changes: Any) -> Machine:
    web = {"127.0.0.1:8080": REFUSED, "127.0.0.1:6060": REFUSED, "127.0.0.1:80": answer(502, "<center>nginx</center>"),
           **changes.pop("web", {})}  # fmt: skip
    server = v3(web=web, listening=changes.pop("listening", {5984: 500}), **changes)
    server.processes = tuple(one for one in server.processes if one.name != "cozy-stack")
    return server


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('Error: Could not find config file "cozy-admin-passphrase"', "cozystack.passphrase_missing"),
        ("Error: failed to setup the syslog hook: Unix syslog delivery error", "cozystack.syslog"),
        (
            "Error: failed to setup the keyring: open /etc/cozy/vault.enc: no such file or directory",
            "cozystack.keyring",
        ),
        (
            "Error: failed to init the dynamic asset fs: invalid path: mkdir /home/cozy: permission denied",
            "cozystack.permission",
        ),
        ("Error: stat /root/.cozy/cozy-admin-passphrase: permission denied", "cozystack.permission"),
        ("Error: Unable to open and parse configuration file template /etc/cozy/cozy.yml: x", "cozystack.config"),
        ("Error: Template error for config files /etc/cozy/cozy.yml: x", "cozystack.config"),
        ('Error: Subdomains mode should either be "flat" or "nested", was: "x"', "cozystack.config"),
        ("Error: Filesystem path should be absolute, was: x", "cozystack.config"),
        ("Error: Starting cozy-stack serve as root not allowed", "cozystack.root"),
        (
            "Error: failed to init the global db: failed contact couchdb: Invalid responde code: 401",
            "cozystack.couchdb_login",
        ),
    ],
)
@pytest.mark.parametrize(("active", "sub"), [("activating", "auto-restart"), ("failed", "failed")])
def test_its_last_words(line: str, code: str, active: str, sub: str, tmp_path: Path) -> None:
    server = under_systemd(dead(), active, sub, "Started cozy-stack.", line, "cozy-stack.service: Failed with result.")
    [found] = examine(tmp_path, server).causes
    assert (found.code, found.role, found.evidence[0].line) == (code, "cozy.stack", line)
    assert found.restart_helps is False
    assert "proxy.gateway:alice.example" in found.explains


def test_a_port_that_another_program_holds(tmp_path: Path) -> None:
    line = "Error: failed to start major server: listen tcp 127.0.0.1:8080: bind: address already in use"
    other = answer(200, "ONLYOFFICE spellchecker")
    server = under_systemd(
        dead(web={"127.0.0.1:8080": other}, listening={5984: 500, 8080: 500}), "failed", "failed", line
    )
    found = examine(tmp_path, server).causes
    assert ("service.port_taken", "cozy.stack") in [(one.code, one.role) for one in found]
    assert "beam.smp" in str([one.text for one in found])


def test_one_that_waits_for_couchdb_is_explained_by_it(tmp_path: Path) -> None:
    line = (
        'level=warning msg="could not reach Couchdb database: Get \\"http://127.0.0.1:5984/_up\\": dial tcp '
        '127.0.0.1:5984: connect: connection refused, retrying in 1s" nspace=stack'
    )
    server = under_systemd(dead(web={"127.0.0.1:5984": REFUSED}, listening={}), "activating", "auto-restart", line)
    diagnosis = examine(tmp_path, server)
    assert [(one.code, one.role) for one in diagnosis.causes] == [("service.down", "couchdb")]
    assert "cozystack.answers:cozy-stack" in diagnosis.causes[0].explains


def test_one_of_which_nobody_tells_is_down_by_what_was_seen(tmp_path: Path) -> None:
    [found] = examine(tmp_path, dead()).causes
    assert (found.code, found.role) == ("service.down", "cozy.stack")
    assert found.evidence[0].source == "GET http://127.0.0.1:8080/status"


def test_one_that_was_stopped_is_told_so(tmp_path: Path) -> None:
    server = under_systemd(dead(), "inactive", "dead", "an old error: permission denied", result="success")
    assert causes(tmp_path, server) == [("service.stopped", "cozy.stack", "fail")]


def test_one_in_a_container_by_its_log(tmp_path: Path) -> None:
    stopped = {"Status": "restarting", "Running": True, "Restarting": True, "Pid": 0, "ExitCode": 1}
    tables = engine({**STACK, "State": stopped}, COUCHDB)
    serve = tables["sockets"]["/run/docker.sock"]

    def with_log(request: Request) -> Answer | Failure:
        line = b'Error: Could not find config file "cozy-admin-passphrase"\n'
        return answer(200, line) if "/logs" in request.target else serve(request)

    tables["sockets"] = {"/run/docker.sock": with_log}
    server = machine(**tables, web={"172.18.0.2:5984": couchdb, "172.18.0.3:8080": REFUSED})
    found = [one.code for one in examine(tmp_path, server, "").causes if one.role == "cozy.stack"]
    assert "cozystack.passphrase_missing" in found


# --- its files


def without(server: Machine, *paths: str) -> Machine:
    server.files = {path: content for path, content in server.files.items() if path not in paths}
    return server


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/cozy/cozy-admin-passphrase", "cozystack.passphrase_missing"),
        ("/etc/cozy/vault.enc", "cozystack.keyring"),
        ("/etc/cozy/vault.dec", "cozystack.keyring"),
        ("/var/lib/cozy", "cozystack.storage"),
        ("/usr/share/cozy/konnector-run.sh", "cozystack.konnectors"),
        ("/etc/cozy/cozy.yml.local", "cozystack.couchdb_login"),
    ],
)
def test_a_file_that_it_cannot_do_without(path: str, code: str, tmp_path: Path) -> None:
    assert (code, "cozy.stack", "warn") in causes(tmp_path, without(v3(), path))


@pytest.mark.parametrize(
    ("path", "mode", "code"),
    [
        ("/etc/cozy/vault.dec", (0o644, 110, 0.0), "cozy.secret_open"),
        ("/etc/cozy/cozy.yml.local", (0o644, 110, 0.0), "cozy.secret_open"),
        ("/etc/cozy/vault.enc", (0o600, 0, 0.0), "cozystack.permission"),
        ("/etc/cozy/cozy-admin-passphrase", (0o600, 0, 0.0), "cozystack.permission"),
    ],
)
def test_owner_and_mode(path: str, mode: tuple[int, int, float], code: str, tmp_path: Path) -> None:
    assert [one[0] for one in causes(tmp_path, v3(modes={path: mode}))] == [code]


def test_a_plain_passphrase_that_all_may_read(tmp_path: Path) -> None:
    files = {"/etc/cozy/.cozy-admin-passphrase": b"s3cretword\n"}
    assert [one[0] for one in causes(tmp_path, v3(files=files))] == ["cozy.secret_open"]


def test_a_stray_configuration_that_wins(tmp_path: Path) -> None:
    assert causes(tmp_path, v3(files={"/var/lib/cozy/cozy.yml": b"port: 8080\n"})) == [
        ("cozystack.stray_config", "cozy.stack", "warn")
    ]


def test_files_that_this_user_may_not_read_are_a_gap(tmp_path: Path) -> None:
    closed = Failure("permission", "permission denied")
    assert "cozystack.config_closed" in str(bad(examine(tmp_path, v3(files={settings.FILES[1]: closed}))))


def test_a_template_is_no_finding(tmp_path: Path) -> None:
    yml = YML.replace(b"file:///var/lib/cozy", b"{{.Env.STORAGE}}").replace(b"port: 8080", b"port: {{.Env.PORT}}")
    assert bad(examine(tmp_path, v3(files={"/etc/cozy/cozy.yml": yml}))) == {}


# --- instances


def test_a_name_that_gets_lost_on_the_way(tmp_path: Path) -> None:
    lost = answer(404, "Instance not found", Content_Type="text/plain")
    diagnosis = examine(tmp_path, v3(web={"127.0.0.1:80": lost}), NO_HOST)
    assert [(one.code, one.role) for one in diagnosis.causes] == [("cozystack.host_header", "proxy")]


BARE = SITE.format(names="alice.example", port=8080)
"""A site for the instance alone, not for its apps."""

FLAT = {"/etc/cozy/cozy.yml": YML + b"subdomains: flat\n"}


def with_apps(request: Request) -> Answer:
    if request.header("Host") in ("home.alice.example", "alice-home.example"):
        return answer(302, Location="https://alice.example/auth/login?redirect=x")
    return cozy_stack(request)


def site_for_alice(other: Answer | Failure) -> Callable[[Request], Answer | Failure]:
    """A proxy that knows the instance by its name; ``other`` is for all other names."""

    def serve(request: Request) -> Answer | Failure:
        return with_apps(request) if request.header("Host") == "alice.example" else other

    return serve


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (answer(404, "<center>nginx</center>"), True),
        (answer(200, "<h1>Welcome to nginx!</h1>"), True),
        (Failure("closed", "the connection was closed"), True),
        (answer(302, Location="https://alice.example/auth/login?redirect=x"), False),
        (answer(301, Location="https://home.alice.example/"), False),
        (answer(503, ""), False),
        (Failure("timeout", "no answer"), False),
    ],
)
@pytest.mark.parametrize("files", [{}, FLAT], ids=["nested", "flat"])
def test_the_apps_are_served_too(other: Answer | Failure, found: bool, files: dict[str, bytes], tmp_path: Path) -> None:
    server = v3(web={"127.0.0.1:8080": with_apps, "127.0.0.1:80": site_for_alice(other)}, files=files)
    causes = examine(tmp_path, server, BARE).causes
    assert [(one.code, one.role) for one in causes] == ([("cozystack.app_names", "proxy")] if found else [])
    name = "alice-home.example" if files else "home.alice.example"
    assert not found or name in words(causes[0])


def test_a_cozy_without_that_app_has_nothing_to_compare(tmp_path: Path) -> None:
    server = v3(web={"127.0.0.1:80": site_for_alice(answer(404, "<center>nginx</center>"))})
    assert causes(tmp_path, server, BARE) == []


def test_a_site_without_an_instance(tmp_path: Path) -> None:
    site = SITE.format(names="bob.example", port=8080)
    server = v3(web={"127.0.0.1:80": answer(404, "Instance not found", Content_Type="text/plain")})
    server.names = {**server.names, "bob.example": ("127.0.0.1",)}
    found = causes(tmp_path, server, site)
    assert [code for code, _, _ in sorted(found)] == ["cozystack.domain", "cozystack.no_instance"]


def instances(*domains: str) -> Callable[[Request], Answer]:
    """The admin port: 401 without the passphrase (`web/instances`)."""
    rows = [{"type": "instances", "attributes": {"domain": domain}} for domain in domains]

    def serve(request: Request) -> Answer:
        if not request.header("Authorization"):
            return answer(401, "missing basic auth")
        return answer(200, json.dumps({"data": rows, "meta": {"count": len(rows)}}))

    return serve


ADMIN = {"/etc/cozy/.cozy-admin-passphrase": b"s3cretword\n"}
ROOTS = {"/etc/cozy/.cozy-admin-passphrase": (0o600, 0, 0.0)}


@pytest.mark.parametrize(
    ("domains", "code"),
    [(["alice.example"], None), (["bob.example"], "cozystack.domain"), (["alice.example:8081"], "cozystack.domain"),
     ([], None)],
)  # fmt: skip
def test_instances_by_the_admin_port(domains: list[str], code: str | None, tmp_path: Path) -> None:
    server = v3(web={"127.0.0.1:6060": instances(*domains)}, files=ADMIN, modes=ROOTS)
    assert [one[0] for one in causes(tmp_path, server)] == ([code] if code else [])


def test_the_passphrase_goes_to_this_machine_alone_and_is_masked(tmp_path: Path) -> None:
    files = {
        **ADMIN,
        "/etc/cozy/cozy.yml": YML.replace(b"  host: localhost\n  port: 6060", b"  host: 10.9.9.9\n  port: 6060"),
    }
    server = v3(files=files, modes=ROOTS)
    examine(tmp_path, server)
    assert not any(one.header("Authorization") for one in server.requests if one.place.startswith("10.9.9.9"))
    server = v3(web={"127.0.0.1:6060": instances("alice.example")}, files=ADMIN, modes=ROOTS)
    _, stack, _ = look(server, config(tmp_path, ALICE))
    assert "s3cretword" not in stack.masks().mask("the word is s3cretword")


def test_the_passphrase_goes_to_nobody_but_the_cozy_stack(tmp_path: Path) -> None:
    server = v3(web={"127.0.0.1:6060": instances("alice.example")}, files=ADMIN, modes=ROOTS)
    stranger = Process(900, 1, "S", "cozy-stack", HOUR_AGO, ("./cozy-stack", "serve"), 1000)
    server.processes = (*server.processes, stranger)
    for holders in ({6060: 500}, {8080: 900, 6060: 900}):
        server.listening = {**server.listening, **holders}
        examine(tmp_path, server)
    assert not any(one.header("Authorization") for one in server.requests if one.place == "127.0.0.1:6060")


def test_a_stack_that_is_only_configured_is_asked_and_nothing_else_is_looked_at(tmp_path: Path) -> None:
    part = Part("http://127.0.0.1:7000", ("127.0.0.1", 7000))
    given = config(tmp_path, ALICE)
    given = given._replace(discover=False, parts={**given.parts, "stack": part})
    server = v3(web={"127.0.0.1:7000": cozy_stack}, files={**ADMIN, "/etc/cozy/cozy.yml": b"port: 1\n"})
    checks = [check for name, check in registry.load().checks.items() if name.startswith("cozystack.")]
    found = [one for check in checks for one in results(check, FakeHost(server), Stack(given))]
    answered = [one.instance for one in found if one.status is Status.OK]
    assert answered == ["cozystack.answers:127.0.0.1:7000"]
    assert not any("/etc/cozy" in seen.source for one in found for seen in one.evidence)
    assert {one.place for one in server.requests} == {"127.0.0.1:7000"}
