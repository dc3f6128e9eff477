"""Secrets that only nginx's directives write so: shared words of links, and tokens that a request is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_hidden

_LINK = re.compile(r"\bsecure_link_(?:md5|secret)\s{1,20}(?P<value>\"[^\"]{0,500}\"|[^\s;]{1,500})")
_WORD = re.compile(r"(?<![\w$}-])[^\s\"$;{}]{3,}")
_COMPARED = re.compile(
    r"\$(?:arg|http|cookie)_\w{0,40}?(?:token|key|secret|pass|auth|sign|code|sess)\w{0,40}\s{0,9}!?[=~]\*?\s{0,9}"
    r"(?P<quote>[\"']?)(?P<value>(?(quote)[^\"']{1,300}|[^\s)\"']{1,300}))"
)


def _links(line: str, low: str) -> Iterator[Span]:
    """`secure_link_md5 "$secure_link_expires$uri word";` (ngx_http_secure_link_module)"""
    for found in _LINK.finditer(line):
        for word in _WORD.finditer(line, *found.span("value")):
            if not is_hidden(word[0]):
                yield Span(*word.span())


def _compared(line: str, low: str) -> Iterator[Span]:
    """`if ($arg_token != "word")`"""
    for found in _COMPARED.finditer(line):
        if not is_hidden(found["value"]):
            yield Span(*found.span("value"))


RULES = (
    Rule(("secure",), _links),
    Rule(("$arg", "$http", "$cookie"), _compared),
)
