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


def meaning(reply: Reply) -> Text | None:
    """What a status means that a server of one's own hardly ever gives, or that a proxy before it may have given."""
    said = reply.error
    if reply.status == 402:
        return t("the plan's storage is used up: it takes no more writes until something is deleted")
    if reply.status == 403 and "database" in said and ("limit" in said or "maximum" in said):
        return t("the plan allows no more databases")
    if reply.status == 412 and "file_exists" in said:
        return t("there is a database of that name already")
    if reply.status == 413 and not said:
        return t("a proxy before CouchDB refuses bodies of this size")
    if reply.status == 413:
        return t("the document or the request is larger than CouchDB takes")
    if reply.status == 429:
        return t("more requests a second than the plan allows")
    return None
