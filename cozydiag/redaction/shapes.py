"""What is secret by its look alone: hashes, private keys on one line, tokens of known services."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_hidden, is_none

# -- hashes: that there is one, and what stands before it, is worth knowing --------------------------------

_HASH = re.compile(
    r"(?P<a>\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|sha1|md5|p|h|s|argon2\w{1,3}|scrypt|pbkdf2[\w-]{0,12}|bcrypt[\w-]{0,8}"
    r"|ml|my)\$[\w./+=,$-]{8,})"
    r"|\bscrypt\$\d+\$\d+\$\d+\$(?P<b>[\w./+=$-]{8,})|\bscrypt:\d+:\d+:\d+\$(?P<b2>[\w./+=$-]{8,})"
    r"|-pbkdf2(?::\w{1,12})?-(?P<c>[\w,]{8,})|-hashed-(?P<d>[\w,]{8,})"
    r"|\bpbkdf2(?:_\w{1,12}\$|:\w{1,12}:)\d+\$(?P<e>[\w./+=$-]{8,})|\b(?:bcrypt|argon2|sha1|md5|crypt)\$+"
    r"(?P<e2>[\w./+=,$-]{8,})"
    r"|\{(?:s?sha\d{0,3}(?:\.\w+)?|s?md5|crypt|blf-crypt|sha(?:256|512)-crypt|pbkdf2[\w-]{0,10}|argon2\w{0,3}|cram-md5"
    r"|plain|cleartext|xor|des-crypt|hmac-md5|nt|lanman)\}(?P<f>[\w./+=,$-]{4,})"
    r"|(?<![\w*])\*(?P<g>[0-9a-f]{40})\b"
    r"|\bscram-sha-\d{1,3}\$\d+:(?P<h>[\w./+=$:-]{8,})"
    r"|(?P<i>(?<=[\s'\"=:])md5[0-9a-f]{32})\b",
)
"""In small letters."""

_HASH_TRIGGERS = (
    "$", "pbkdf", "hashed", "scrypt", "=scram", "=md", "identified", "| *", "ssha", "{sha", "smd", "=crypt", "=blf",
    "argon",
    "=cram", "=plain", "cleartext", "=xor", "=hmac", "=nt", "lanman",
)  # fmt: skip


def _hashes(line: str, low: str) -> Iterator[Span]:
    for found in _HASH.finditer(low):
        start, end = found.span(found.lastgroup or 0)
        yield Span(start, end, "hash")


# -- tokens of services ------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{16,}|gl(?:pat|dt|rt|ptt|ft|soat|imt|agent|cbt|oas|ffct)-[\w-]{16,}"
    r"|xox[abcdeposr]-[\w-]{8,}|xapp-[\w-]{8,}|(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)[A-Z0-9]{12,}"
    r"|sk-(?:ant-|proj-|or-|live-)?[\w-]{16,}|[srp]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{8,}|hf_\w{16,}|npm_\w{16,}"
    r"|pypi-[\w-]{16,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}"
    r"|do[opr]_v1_[0-9a-f]{16,}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}|sq0[a-z]{3}-[\w-]{16,}|EAAA[\w-]{30,}|hv[sbr]\.[\w-]{16,}|ATATT3[\w=-]{16,}"
    r"|ATCTT3[\w=-]{16,}"
    r"|lin_api_\w{16,}|(?:ntn|secret)_[A-Za-z0-9]{32,}|fo1_[\w-]{16,}|FlyV1 [\w/+=,-]{16,}|tskey-[\w-]{10,}"
    r"|xkeysib-[0-9a-f-]{16,}|xsmtpsib-[0-9a-f-]{16,}|sntrys_[\w+/=]{16,}|sntryu_[0-9a-f]{16,}|gl(?:sa|c)_[\w+/=]{16,}"
    r"|NRAK-\w{16,}|dckr_(?:pat|oat)_[\w-]{16,}"
    r"|\w{14}\.atlasv1\.[\w-]{16,}|rubygems_[0-9a-f]{16,}|HRKU-[\w-]{16,}|tk_[a-z0-9]{20,}|syt_[\w]{4,}_\w{8,}_\w{4,}"
    r"|figd_[\w-]{16,}|PMAK-[0-9a-f-]{16,}|dp\.(?:pt|st|ct|sa)\.[\w.-]{16,}|pul-[0-9a-f]{40}|nfp_\w{16,}"
    r"|vercel_\w{16,}|cfut_\w{16,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{8,}|AGE-PLUGIN-[A-Z0-9-]{8,}|\d{7,12}:AA[\w-]{25,}"
    r"|ey[JK][\w-]{8,}(?:\.[\w-]{4,}){1,4}\.?|bfp_\w{16,}|glwt-[\w-]{16,}|oy2[a-z0-9]{43}|LTAI[A-Za-z0-9]{12,}"
    r"|PVEAPIToken=\S{8,}"
    r")"
)
_TOKEN_TRIGGERS = (
    "=ghp", "=gho", "=ghu", "=ghs", "=ghr", "=github", "glpat", "gldt", "glrt", "glptt", "glft", "glsoat", "glimt",
    "glagent",
    "glcbt", "gloas", "glffct", "xox", "xapp", "akia", "asia", "abia", "acca", "agpa", "aida", "aroa", "=sk", "=live",
    "=test", "whsec", "=hf", "=npm", "=pypi", "aiza", "=ya", "gocspx", "=sg", "key", "=dop", "=dor", "=doo", "shpat",
    "shpca",
    "shppa", "shpss", "=sq", "eaaa", "=hvs", "=hvb", "=hvr", "atatt", "atctt", "=lin", "=ntn", "=secret", "=fo", "flyv",
    "tskey", "xkeysib", "xsmtpsib", "sntry", "glsa", "=glc", "nrak", "dckr", "atlasv", "rubygems", "hrku", "=tk",
    "=syt",
    "figd", "pmak", "=dp", "=pul", "=nfp", "vercel", "cfut", "=age", ":aa", "eyj", "eyk", "=bfp", "glwt", "=oy",
    "ltai", "pveapitoken",
)  # fmt: skip


def _tokens(line: str, low: str) -> Iterator[Span]:
    for found in _TOKEN.finditer(line):
        yield Span(found.start(), found.end(), "token")


# -- keys ---------------------------------------------------------------------------------------------------

_PEM = re.compile(
    r"-{4,5}BEGIN [A-Z0-9 ]{0,40}?(?:PRIVATE KEY|STATIC KEY|SECRET)[A-Z0-9 ]{0,20}-{4,5}(?P<value>.*?)(?:-{4,5}END"
    r" [A-Z0-9 ]{1,60}-{4,5}|$)",
    re.IGNORECASE,
)
_ENCODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{16,}={0,2}")
"""`-----BEGIN ` in Base64."""

_JWK = re.compile(r"\\?[\"'](?:d|p|q|dp|dq|qi|k|oth)\\?[\"'][ \t]*:[ \t]*\\?[\"'](?P<value>[\w+/=-]{8,})")
_WIREGUARD = re.compile(
    r"\b(?:private_?key|preshared_?key|presharedkey)[ \t:=]{1,8}(?P<value>[A-Za-z0-9+/]{42,44}=?)", re.IGNORECASE
)
_COUCH_COOKIE = re.compile(
    r"(?:-setcookie|erlang[_.]cookie|\.erlang\.cookie)[ \t:=\"']{1,8}(?P<value>[^\s\"',]+)", re.IGNORECASE
)
_ADMINS = re.compile(
    r"\[admins\][ \t]+\S+[ \t]+(?:set to|=|:)[ \t]+[\"'<]*(?P<value>[^\s\"'>]+)|[\"']admins[\"'][ \t]*:[ \t]*\{"
    r"(?P<many>[^}]*)|\badmins[./:]\w[\w.@-]{0,64}[ \t]*=[ \t]*[\"']?(?P<one>[^\s\"']+)|\badmins,[ \t]*\[\{"
    r"(?P<erlang>[^\]]*)",
    re.IGNORECASE,
)


def _keys(line: str, low: str) -> Iterator[Span]:
    for found in _PEM.finditer(line):
        yield Span(found.start(), found.end(), "private-key")
    for found in _ENCODED_PEM.finditer(line):
        beginning = found[0].rstrip("=")[:48]
        if b"PRIVATE" in a2b_base64(beginning[: len(beginning) // 4 * 4]):
            yield Span(found.start(), found.end(), "private-key")
    if "kty" in low:
        for found in _JWK.finditer(line):
            yield Span(*found.span("value"), "private-key")
    for pattern in (_WIREGUARD, _COUCH_COOKIE):
        for found in pattern.finditer(line):
            if not is_none(found["value"]) and not found["value"].startswith("/"):
                yield Span(*found.span("value"))


def _admins(line: str, low: str) -> Iterator[Span]:
    """CouchDB's admins, as its log, its API and Erlang write them."""
    for found in _ADMINS.finditer(line):
        name = found.lastgroup or "value"
        if name in ("many", "erlang"):
            pattern = r"[\"'][^\"']+[\"'][ \t]*[:,][ \t]*[\"'](?P<value>[^\"']+)[\"']"
            for one in re.finditer(pattern, found[name]):
                if not is_hidden(one["value"]):
                    yield Span(found.start(name) + one.start("value"), found.start(name) + one.end("value"))
        elif not is_hidden(found[name]):
            yield Span(*found.span(name))


RULES = (
    Rule(_HASH_TRIGGERS, _hashes),
    Rule(_TOKEN_TRIGGERS, _tokens),
    Rule(("begin", "ls0tls1", "kty", "private", "preshared", "setcookie", "erlang"), _keys),
    Rule(("admins",), _admins),
)
