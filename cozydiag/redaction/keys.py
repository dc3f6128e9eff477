"""Names that say that what follows is secret: settings, JSON, YAML, environment, options, forms, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_elsewhere, is_none

_OPEN_KEYS = (
    r"pass(?:word|wort|wd|phrase|code|key)|contrase(?:n|ñ)a|kennwort|mot[ _-]?de[ _-]?passe|phrase[ _-](?:de[ _-]passe|secr(?:e|è)te)"
    r"|code[ _-]d['’]acc(?:e|è)s|secret|token|jeton|credential|api[ _-]?key"
    r"|cl(?:e|é)[ _-](?:secr(?:e|è)te|priv(?:e|é)e|d['’]api|api)"
    r"|(?:access|private|priv|encryption|encrypt|decryption|master|signing|sign|session|auth|account|storage|shared|app|application"
    r"|service|webhook|licen[cs]e|vault|hmac|jwt|aes|cipher|crypto|crypt|deploy|admin|root|client|consumer|integration|routing"
    r"|ingest|symmetric|database|db|cookie|csrf|hash|data|unseal|recovery|backup|share|invite|registration|activation"
    r"|preshared|pre[ _-]shared|pgp|gpg|bot|subscription|write|read|rpc|tsig|rndc|fernet|derived)[ _-]?key"
    r"|(?:recovery|backup|verification|confirmation|auth|access|security|share|invite|login|mfa|2fa|one[ _-]?time|activation)[ _-]?code"
    r"|erlang_?cookie|authsession|requirepass|masterauth|connection[ _-]?string|sharecode"
)  # fmt: skip
"""Sure wherever they stand inside a longer name."""

_SHORT_KEYS = r"passw?|pwd|passwd|pw|mdp|psk|otp|totp|pin|salt|cookie|mnemonic|seed|sess(?:ion)?_?id|sid|csrf|xsrf|jwt|bearer|auth|oauth|dsn|nonce|hmac"
"""Sure only where they are words, or parts of a name set off by `_`, `-` or a great letter."""

_KEY = (
    rf"(?:(?P<open>{_OPEN_KEYS})|(?<![a-zA-Z])(?P<short>{_SHORT_KEYS})(?![a-z])"
    r"|(?-i:(?<=[a-z])(?P<camel>Pass|Pwd|Pw|Psk|Sid|Jwt|Auth|Salt)(?![a-z]))"
    r"|(?P<word>(?<=user)pass|(?<=db)pass|(?<=smtp)pass|(?<=mail)pass|(?<=root)pass|(?<=admin)pass))"
    r"(?P<rest>s?(?![a-z])[\w.-]{0,40}|(?:hash|salt|value|key|text|confirm|confirmation|new|old|repeat|verify|data|string|base|ring)[\w.-]{0,40})"
)
_QUOTE = r"(?:\\{0,3}[\"'`]|&quot;|&#0?3[49];|&apos;|%2[27])"
_SEPARATOR = rf"(?:{_QUOTE}?\]?[ \t\u00a0]{{0,8}}(?:=>|:=|={{1,2}}|:|%3d|%3a|=3d)[ \t\u00a0]{{0,8}}|{_QUOTE}[ \t]{{0,8}},[ \t]{{0,8}}(?={_QUOTE}))"
_QUOTED = rf"(?P<mark>[bru]?{_QUOTE})(?P<quoted>(?:(?!(?P=mark))(?:\\.|.)){{0,4096}})"
_UNQUOTED = r"(?P<bare>(?:(?!&(?:amp;)?[\w.%\[\]-]{1,40}=|,[ \t]|[,;][\w.-]{1,40}[=:]|;[ \t]|[ \t\"'<>`]|%26[\w.-]{1,40}%3d).)+)"

_ANYWHERE = re.compile(f"{_KEY}{_SEPARATOR}(?:{_QUOTED}|{_UNQUOTED})", re.IGNORECASE)

_LEADING = re.compile(
    r"[ \t>|*•#;$+]{0,80}(?:- )?(?:(?:export|set|setenv|env|arg|declare -x|let|const|var)[ \t]+)?"
    rf"[\"']?(?P<before>[\w.-]{{0,60}}?){_KEY}[\"']?(?:[ \t\u00a0]{{0,40}}(?:=>|:=|=|:)[ \t\u00a0]{{0,40}}|(?<=requirepass)[ \t]+|(?<=masterauth)[ \t]+)"
    r"(?![\"'`])(?P<line>\S.*)",
    re.IGNORECASE,
)
"""At the beginning of its line: the value goes on to the end, blanks and all."""

_COMMENT = re.compile(r"[ \t]+[#;][ \t].*|[ \t]+//[ \t].*")

_NO_SECRET = re.compile(
    r"s?[_.-]?(?:files?|filename|file_?name|path|paths|dir|directory|maps?|interval|scheme|length|len|min|max|ttl|timeout"
    r"|expir\w*|policy|policies|type|types|algorithm|algo|count|uri|url|endpoint|name|names|required|enabled|disabled|field|fields"
    r"|prompt|command|cmd|fd|lifetime|age|format|encoding|strength|attempts|rounds|iterations|version|handlers?|length_\w+|min_\w+"
    r"|max_\w+|reset\w*interval|reset_?url|reset_?ttl|rotation\w*|authentication|less|manager|store|provider|backend|mode|method|status"
    r"|state|size|bits|use|used|usage|limit|per_\w+|budget|left|total|is_set|exists?|key_?id|ids?|hint|rules?|cache|cache_\w+|label|title"
    r"|placeholder|regex\w*|pattern|help|error|errors|message|link|page|form|input|route|secure|httponly|samesite|domain|valid\w*)",
    re.IGNORECASE,
)
"""What makes of `password` a setting about passwords."""

_NOT_BEFORE = re.compile(
    r"(?:unexpected|invalid|illegal|by|com|tres|sur|public|pub|primary|foreign|proxy_|fastcgi_|uwsgi_|scgi_|grpc_|no_?|cache|sort|partition)[ _-]?$",
    re.IGNORECASE,
)

_LOOKS_RANDOM = re.compile(r"(?=[^\s]*[0-9])[\w+/=.~$%:-]{8,}")
_NUMERIC = ("otp", "totp", "pin", "pass", "code", "mdp", "pwd", "pw")


def _anywhere(line: str, low: str) -> Iterator[Span]:
    for found in _ANYWHERE.finditer(line):
        quoted = found["quoted"] is not None
        start, end = found.span("quoted" if quoted else "bare")
        if not quoted:
            end = _trimmed(line, start, end)
        if _is_secret(found, line[start:end], quoted=quoted, after=line[end : end + 24]):
            yield Span(start, end)


def _leading(line: str, low: str) -> Iterator[Span]:
    found = _LEADING.match(line)
    if found is None:
        return
    value = _COMMENT.sub("", found["line"], count=1).rstrip()
    value = value[:-1].rstrip() if value.endswith((",", ";")) else value
    if value[:1] in "{[" and value[-1:] not in "}]":  # an object begins here
        return
    if _is_secret(found, value, quoted=True, after=""):
        start = found.start("line")
        yield Span(start, start + len(value))


def _trimmed(line: str, start: int, end: int) -> int:
    """Without the brackets and commas that close what is around the value."""
    while end > start and line[end - 1] in ",;)]}:":
        opener = {")": "(", "]": "[", "}": "{"}.get(line[end - 1])
        if opener and opener in line[start:end]:
            break
        end -= 1
    return end


def _is_secret(found: re.Match[str], value: str, *, quoted: bool, after: str) -> bool:
    key = (found["open"] or found["short"] or found["camel"] or found["word"]).lower()
    if _NO_SECRET.fullmatch(found["rest"]) or _NOT_BEFORE.search(found.string[max(0, found.start(_group(found)) - 14) : found.start(_group(found))]):
        return False
    if is_none(value) or is_elsewhere(value):
        return False
    if found["rest"].lower() == "s" and re.match(r"\d+\b", value):  # `tokens: 1532 consumed`
        return False
    if value.isdigit():
        return len(value) > 3 and key.startswith(_NUMERIC) or len(value) > 15
    if key in ("salt", "cookie", "seed", "nonce", "auth", "oauth", "sid", "bearer", "dsn", "hmac", "sessionid", "session_id", "sessid", "sess_id", "csrf", "xsrf", "hashkey", "datakey"):
        return _LOOKS_RANDOM.fullmatch(value.strip("\"'")) is not None
    return quoted or not _is_prose(found, value, after)


def _group(found: re.Match[str]) -> str:
    return next(name for name in ("open", "short", "camel", "word") if found[name] is not None)


def _is_prose(found: re.Match[str], value: str, after: str) -> bool:
    """`wrong password: retrying in 5 s`: after a colon and a blank a small word, and another."""
    said = found.string[found.end("rest") : found.start("bare")]
    return ": " in said and value.isalpha() and value.islower() and re.match(r" [a-zé]+(?![\w=:])", after) is not None


_SAID = re.compile(
    r"(?:pass(?:word|wort|wd|phrase|code)?|mot de passe|secret|token|jeton|credentials?|api[ _-]key|identified by|cl(?:e|é) secr(?:e|è)te)"
    rf"(?:[ \t]{{1,4}}(?:is|was|est|était|of|as|to|=|:|with|hash))?[ \t]{{1,4}}(?:\(?(?P<mark>{_QUOTE}|«[ \u00a0]?)(?P<quoted>(?:(?!(?P=mark)|[ \u00a0]?»).){{1,1024}})"
    r"|(?P<bare>(?=[^\s]{0,80}[0-9])(?=[^\s]{0,80}[A-Za-z])[^\s\"'<>(){}\[\],;/=]{6,}))",
    re.IGNORECASE,
)  # fmt: skip
"""`Invalid passphrase "x"`, `ALTER USER y WITH PASSWORD 'x'`, `IDENTIFIED BY 'x'`, `password hunter2`."""


def _said(line: str, low: str) -> Iterator[Span]:
    for found in _SAID.finditer(line):
        group = "quoted" if found["quoted"] is not None else "bare"
        start, end = found.span(group)
        end = end if group == "quoted" else _trimmed(line, start, end)
        value = line[start:end]
        if is_none(value) or is_elsewhere(value) or "***" in value or re.match(r"[\w.-]+:$|sha\d|v?\d+(?:\.\d+)+", value, re.IGNORECASE):
            continue
        if group == "quoted" and found.string[found.start() - 1 : found.start()] in ("'", '"'):  # the quote ends here
            continue
        yield Span(start, end)


_LABELLED = re.compile(
    rf"[\"']?(?:name|key|variable)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?[\w.-]{{0,60}}?(?:{_OPEN_KEYS})[\w.-]{{0,40}}[\"']?[ \t]{{0,4}},?[ \t]{{0,4}}"
    r"[\"']?value[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?:(?P<mark>[\"'])(?P<quoted>(?:\\.|(?!(?P=mark)).)*)|(?P<bare>[^\s,}]+))",
    re.IGNORECASE,
)  # fmt: skip
_TAGGED = re.compile(rf"<([\w.:-]{{0,40}}(?:{_OPEN_KEYS}|pwd)[\w.:-]{{0,40}})(?:[ \t][^<>]{{0,200}})?>(?P<quoted>[^<]+)", re.IGNORECASE)


def _structured(line: str, low: str) -> Iterator[Span]:
    """`{"name": "DB_PASSWORD", "value": "x"}`, `<password>x</password>`."""
    for pattern in (_LABELLED, _TAGGED):
        for found in pattern.finditer(line):
            group = "quoted" if found["quoted"] is not None else "bare"
            if not is_none(found[group]) and not is_elsewhere(found[group]):
                yield Span(*found.span(group))


_TRIGGERS = (
    "pass", "contrase", "kennwort", "phrase", "secr", "token", "jeton", "credential", "key", "code", "cookie",
    "authsession", "masterauth", "connection", "cle", "clé", "pwd", "pw", "mdp", "psk", "otp", "pin", "salt", "mnemonic",
    "seed", "sess", "sid", "csrf", "xsrf", "jwt", "bearer", "auth", "dsn", "nonce", "hmac",
)  # fmt: skip

RULES = (
    Rule(_TRIGGERS, _anywhere),
    Rule(_TRIGGERS, _leading),
    Rule(("pass", "secr", "token", "jeton", "credential", "api", "identified by"), _said),
    Rule(_TRIGGERS, _structured),
)
