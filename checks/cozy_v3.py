"""cozy-stack (v3), wherever it runs: on this machine, from source, in a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Finding, Host, Iterator, Site, Stack, check, skip, t

if TYPE_CHECKING:
    from cozydiag.cozy.flavour import Flavour


@check("cozystack.answers", t("cozy-stack answers and is well"), each="stacks", role="cozy.stack",
       because=["couchdb.reach", "couchdb.up", "couchdb.login"], essential=True)  # fmt: skip
def answers(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    from cozydiag.cozy import status

    yield from status.look(host, stack, flavour)


@check("cozystack.couchdb", t("CouchDB takes cozy-stack's own password"), each="stacks", role="cozy.stack",
       because=["host.disk"])  # fmt: skip
def database(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    """Its `/status` asks CouchDB for nothing that wants a login."""
    from cozydiag.cozy import database

    yield database.look(host, stack, flavour)


@check("cozystack.admin", t("cozy-stack's admin port answers"), each="stacks", role="cozy.stack",
       needs=["cozystack.answers"])  # fmt: skip
def admin(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    from cozydiag.cozy import status

    yield status.admin(host, flavour)


@check("cozystack.files", t("cozy-stack's files are in order"), each="stacks", role="cozy.stack",
       because=["cozystack.answers"])  # fmt: skip
def files(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    if not stack.config.discover:
        yield skip(t("nothing is searched for: discover is false"))
        return
    from cozydiag.cozy import files

    yield from files.look(host, stack, flavour)


@check("cozystack.instances", t("Every instance has a site"), each="stacks", role="cozy.stack",
       needs=["cozystack.answers"])  # fmt: skip
def instances(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    from cozydiag.cozy import instances

    yield from instances.look(host, stack, flavour)


@check("cozystack.site", t("cozy-stack knows the site"), each="sites", because=["proxy.running", "site.name"])
def site(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not (stack.config.discover or "stack" in stack.config.parts):
        yield skip(t("{site} does not lead to a cozy-stack", site=site.host))
        return
    from cozydiag.cozy import instances

    yield from instances.site(host, stack, site)


@check("container.volumes", t("Containers keep their data outside of themselves"))
def volumes(host: Host, stack: Stack) -> Iterator[Finding]:
    if not stack.config.discover:
        yield skip(t("nothing is searched for: discover is false"))
        return
    from cozydiag.cozy import volumes

    yield from volumes.look(host, stack)
