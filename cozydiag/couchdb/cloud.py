"""Cloudant, CouchDB as a service: an IAM token instead of a password, and refusals that CouchDB itself never gives."""

from __future__ import annotations

from cozydiag.couchdb.client import Reply
from cozydiag.couchdb.credentials import Credentials, ServiceKey
from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import Text, t

TOKENS = "https://iam.cloud.ibm.com/identity/token"
"""IBM Cloud API docs, IAM identity: an API key for a token of 60 minutes."""


def credentials(stack: Stack, host: Host, key: ServiceKey) -> Credentials | Finding:
    """A token for the API key, or the user and the password beside it. The key goes in the body, and nowhere else."""
    if key.credentials is not None:
        return key.credentials
    from urllib.parse import urlencode

    stack.keep_secret(key.apikey)
    form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "response_type": "cloud_iam", "apikey": key.apikey}
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    answer = host.post(TOKENS, urlencode(form).encode(), headers=headers)
    token = None if isinstance(answer, Failure) else answer.json()
    if isinstance(token, dict) and isinstance(token.get("access_token"), str):
        return Credentials("", "", token["access_token"])
    seen = answer.detail if isinstance(answer, Failure) else f"HTTP {answer.status}"
    return fail(
        "couchdb.token_refused",
        t("the API key gives no token for CouchDB: {why}", why=seen),
        t("See whether the key still exists and may use this service, and whether this machine reaches the IAM."),
        role="couchdb",
        proof=Evidence(f"POST {TOKENS}", seen),
        restart_helps=False,
    )


def finding(source: str, reply: Reply) -> Finding | None:
    """What a status means that a server of one's own hardly ever gives, or that a proxy before it may have given."""
    found = _meaning(reply)
    if found is None:
        return None
    code, text, advice = found
    seen = f"HTTP {reply.status} {reply.error}"[:400].rstrip()
    return fail(code, text, advice, role="couchdb", proof=Evidence(source, seen), restart_helps=False)


def _meaning(reply: Reply) -> tuple[str, Text, Text] | None:
    """Code, text and remedy (IBM Cloudant docs, "Plans"; chttpd.erl, error_info)."""
    said = reply.error
    if reply.status == 402:
        return (
            "couchdb.plan_full",
            t("the plan's storage is used up: CouchDB takes no more writes until something is deleted"),
            t("Delete what is not needed, or take a larger plan. Reading still works."),
        )
    if reply.status == 403 and "database" in said and ("limit" in said or "maximum" in said):
        return (
            "couchdb.plan_databases",
            t("the plan allows no more databases"),
            t("Delete databases that nobody needs, or take a larger plan; those that exist work on."),
        )
    if reply.status == 412 and "file_exists" in said:
        return (
            "couchdb.database_exists",
            t("there is a database of that name already"),
            t("Nothing is broken: use it. Whether a database exists is asked with HEAD, not by creating it."),
        )
    if reply.status == 413 and not said:
        return (
            "couchdb.too_large_for_proxy",
            t("a proxy before CouchDB refuses bodies of this size"),
            t("Raise its limit: `client_max_body_size` in nginx, `LimitRequestBody` in Apache."),
        )
    if reply.status == 413:
        return (
            "couchdb.too_large",
            t("the document or the request is larger than CouchDB takes"),
            t("Raise max_document_size in the section couchdb or max_http_request_size in the section chttpd; a "
              "service takes 1 MB a document and 11 MB a request at most."),
        )  # fmt: skip
    if reply.status == 429:
        return (
            "couchdb.rate_limited",
            t("CouchDB answers no more for now: more requests a second than the plan allows"),
            t("See what asks so often, or take a larger plan; asking again at once makes it last."),
        )
    return None
