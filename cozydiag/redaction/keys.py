"""Names that say that what follows is secret: settings, JSON, YAML, environment, options, forms, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_elsewhere, is_none

_WORD = re.compile(
    r"pass|contrase(?:n|ñ)a|kennwort|mot[ _-]?de[ _-]?passe|phrase[ _-](?:de[ _-]passe|secr(?:e|è)te)"
    r"|d['\u2019]acc(?:e|è)s"
    r"|secr(?:et|(?:e|è)te)"
    r"|token|jeton|credential|key|code|cookie|authsession|requirepass|masterauth|connection[ _-]?string|cl(?:e|é)[ _-]"
    r"(?:priv(?:e|é)e|d['\u2019]api|api)"
    r"|mdp|pwd|pw|psk|otp|pin|salt|mnemonic|seed|sess(?:ion)?_?id|sid|csrf|xsrf|jwt|bearer|auth|nonce|hmac"
)
"""What such a name has in it."""

_SURE = ("contrase", "kennwort", "mot", "phrase", "secr", "token", "jeton", "credential", "authsession",
         "requirepass", "masterauth", "connection", "cl", "d'", "d\u2019")  # fmt: skip
"""Words that are sure wherever they stand inside a longer name."""

_WHOLE = frozenset({"pin", "sid", "auth"})
"""Words that are parts of too many others."""

_KEY_BEFORE = re.compile(
    r"(?:api|access|secret|priv|private|encryption|encrypt|enc|decryption|master|signing|sign|session|auth|account"
    r"|storage|shared|app"
    r"|application|service|webhook|licen[cs]e|vault|hmac|jwt|aes|cipher|crypto|crypt|deploy|admin|root|client|consumer"
    r"|integration"
    r"|routing|ingest|symmetric|database|db|cookie|csrf|hash|data|unseal|recovery|backup|share|invite|registration"
    r"|activation"
    r"|preshared|pre[ _-]shared|pgp|gpg|bot|subscription|write|read|rpc|tsig|rndc|fernet|derived|pass)[ _.-]?$"
)
_CODE_BEFORE = re.compile(
    r"(?:pass|recovery|backup|verification|confirmation|auth|access|security|share|invite|login|mfa|2fa|one[ _-]?time"
    r"|activation)[ _-]?$"
)
_PASS_BEFORE = re.compile(
    r"(?:^|[^a-z]|user|db|smtp|mail|root|admin|couch|redis|mysql|ftp|ldap|bind|imap|http|my|new|old|the|require)$"
)
_PASS_AFTER = re.compile(r"word|wort|wd|phrase|code|key")

_QUOTE = r"(?:\\{0,3}[\"'`]|&quot;|&#0?3[49];|&apos;|%2[27])"
_HEAD = re.compile(
    r"(?P<rest>[\w.-]{0,48})(?![\w.-])"
    rf"(?:{_QUOTE}?\]?[ \t\u00a0]{{0,40}}(?:=>|:=|={{1,2}}|:|%3d|%3a|=3d)[ \t\u00a0]{{0,40}}|{_QUOTE}[ \t]{{0,8}},["
    rf" \t]{{0,8}}(?={_QUOTE})|(?<=requirepass)[ \t]+|(?<=masterauth)[ \t]+)",
    re.IGNORECASE,
)
"""What goes on with the name, and what separates it from its value."""

_VALUE = re.compile(
    rf"(?P<mark>[bru]?{_QUOTE})(?P<quoted>(?:(?!(?P=mark))(?:\\+.|.)|(?<=\w)''(?=\w)){{0,4096}})"
    r"|(?P<bare>(?:(?!&(?:amp;)?[\w.%\[\]-]{1,40}=|,[ \t]|[,;][\w.-]{1,40}[=:]|;[ \t]|[ \t\"'<>`]"
    r"|%26[\w.-]{1,40}%3d).)+)",
    re.IGNORECASE,
)

_LEADING = re.compile(
    r"[ \t>|*•#;$+]{0,80}(?:- )?(?:(?:export|set|setenv|env|arg|declare -x|let|const|var)[ \t]+)?[\"']?[\w.-]{0,60}",
    re.IGNORECASE,
)
"""Nothing else stands before it on its line: then the value goes on to the end, blanks and all."""

_COMMENT = re.compile(r"[ \t]+[#;][ \t].*|[ \t]+//[ \t].*")

_FILE = re.compile(
    r".*\.(?:[jt]sx?|py|go|rb|erl|hrl|exs?|[ch]|json|ya?ml|ini|conf|md|txt|log|sh|service|html?|css|php|java|rs|lua)"
)

_NO_SECRET = re.compile(
    r"s?[_.-]?(?:files?|filename|file_?name|path|paths|dir|directory|maps?|interval|scheme|length|len|min|max|ttl"
    r"|timeout"
    r"|expir\w*|policy|policies|type|types|algorithm|algo|count|uri|url|endpoint|name|names|required|enabled|disabled"
    r"|field|fields"
    r"|prompt|command|cmd|fd|lifetime|age|format|encoding|strength|attempts|rounds|iterations|version|handlers?"
    r"|length_\w+|min_\w+"
    r"|max_\w+|reset\w*interval|reset_?url|reset_?ttl|rotation\w*|authentication|less|manager|store|provider|backend"
    r"|mode|method|status"
    r"|state|size|bits|use|used|usage|limit|per_\w+|budget|left|total|is_set|exists?|key_?id|ids?|hint|rules?|cache"
    r"|cache_\w+|label|title"
    r"|placeholder|regex\w*|pattern|help|error|errors|message|link|page|form|input|route|secure|httponly|samesite"
    r"|domain|valid\w*)",
    re.IGNORECASE,
)
"""What makes of `password` a setting about passwords."""

_NOT_BEFORE = re.compile(
    r"(?:unexpected|by|com|tres|sur|public|pub|primary|foreign|proxy_|fastcgi_|uwsgi_|scgi_|grpc_|no_"
    r"|cache|sort|partition)[ _-]?$",
    re.IGNORECASE,
)

_LOOKS_RANDOM = re.compile(r"(?=[^\s]*[0-9])[\w+/=.~$%:-]{8,}")
_RANDOM_KEY = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w+/=.~$%!@#-]{12,}")
"""What must stand behind a variable like `X_KEY`, of which nobody knows what it opens."""

_DIGITS_WILL_DO = ("secr", "otp", "pin", "pass", "code", "mdp", "pwd", "pw", "mot")
_RANDOM_ONLY = ("salt", "cookie", "seed", "nonce", "auth", "sid", "bearer", "hmac", "sess", "csrf", "xsrf", "jwt")


def _named(line: str, low: str) -> Iterator[Span]:
    start = end = 0
    for hit in _WORD.finditer(low):
        if start <= hit.start() < end:  # inside the value before
            continue
        head = _HEAD.match(line, hit.end())
        found = _VALUE.match(line, head.end()) if head and _names_a_secret(hit, head["rest"], line, low) else None
        if head is None or found is None:
            continue
        start, end, whole = _extent(line, hit, found)
        if found["bare"] is not None and _OBJECT.match(line, start):  # what is in it has names of its own
            end = start
        elif _is_secret(hit[0], head, line[start:end], whole=whole, after=line[end : end + 40]) and (
            hit[0] != "key"
            or _KEY_BEFORE.search(low, max(0, hit.start() - 16), hit.start())
            or _RANDOM_KEY.fullmatch(line, start, end)
        ):
            yield Span(start, end)


_OBJECT = re.compile(r"\{(?![\w-]{2,20}\}\S)|\[")
"""Not `{SSHA}…`."""


def _names_a_secret(hit: re.Match[str], rest: str, line: str, low: str) -> bool:
    """Whether the word is what the whole name is about, which goes on with ``rest``."""
    word, before = hit[0], low[max(0, hit.start() - 16) : hit.start()]
    if _NOT_BEFORE.search(before):
        return False
    if word == "pass":
        more = _PASS_AFTER.match(rest.lower())
        rest = rest[more.end() :] if more else rest
        right = more is not None or _PASS_BEFORE.search(before) is not None or line[hit.start()] == "P"
    elif word in _BEFORE:
        right = _BEFORE[word].search(before) is not None
        right = right or (line[hit.start() : hit.end()] == "KEY" and before[-1:] == "_")
    elif word in _WHOLE:
        right = not before[-1:].isalpha() and not rest[:1].isalpha()
    else:
        right = word.startswith(_SURE) or not before[-1:].isalpha() or line[hit.start()].isupper()
    return right and _goes_on(rest) and not _NO_SECRET.fullmatch(rest) and not _FILE.fullmatch(rest)


_BEFORE = {"key": _KEY_BEFORE, "code": _CODE_BEFORE, "pw": _PASS_BEFORE}
"""What must stand before words that alone are none."""

_OPENED = re.compile(r"([\"'])[\w.-]{0,60}\Z")
_MORE = re.compile(
    r"s?(?![a-z])|(?:hash|salt|value|key|text|confirm|confirmation|new|old|repeat|verify|data|string|base|ring)"
    r"(?![a-z])"
)


def _goes_on(rest: str) -> bool:
    """Whether the name ends here, or goes on with another that is set off from it."""
    return _MORE.match(rest) is not None or rest.isupper()


def _extent(line: str, hit: re.Match[str], found: re.Match[str]) -> tuple[int, int, bool]:
    """Where the value stands, and whether that is all of it for sure."""
    if found["quoted"] is not None:
        return (*found.span("quoted"), True)
    start, end = found.span("bare")
    opened = _OPENED.search(line, max(0, hit.start() - 64), hit.start())
    if opened and line[start - 1] == "=" and (close := line.find(opened[1], start)) > 0:  # `"PASSWORD=two words"`
        return start, close, True
    if _LEADING.fullmatch(line, 0, hit.start()) is None:
        return start, _trimmed(line, start, end), False
    value = _COMMENT.sub("", line[start:], count=1).rstrip()
    if value[:1] in "{[" and value[-1:] not in "}]":  # an object begins here
        return start, _trimmed(line, start, end), False
    return start, start + len(value[:-1].rstrip() if value.endswith((",", ";")) else value), True


def _trimmed(line: str, start: int, end: int) -> int:
    """Without the brackets and commas that close what is around the value."""
    while end > start and line[end - 1] in ",;)]}:":
        opener = {")": "(", "]": "[", "}": "{"}.get(line[end - 1])
        if opener and opener in line[start:end]:
            break
        end -= 1
    return end


def _is_secret(word: str, head: re.Match[str], value: str, *, whole: bool, after: str) -> bool:
    if is_none(value, message="=" not in _between(head)) or is_elsewhere(value) or re.fullmatch(r"\d+:\d+", value):
        return False
    if re.match(r"\d{1,4}[ ,]", value) and ":" in _between(head):  # `pass: 12 fail: 3`
        return False
    if head["rest"].lower() == "s" and re.match(r"\d+\b", value):  # `tokens: 1532 consumed`
        return False
    if value.isdigit():
        return len(value) > (3 if word.startswith(_DIGITS_WILL_DO) else 5)
    if word.startswith(_RANDOM_ONLY) and word != "authsession":
        return _LOOKS_RANDOM.fullmatch(value.strip("\"'")) is not None
    return whole or not (": " in _between(head) and _is_prose(value, after))


def _between(head: re.Match[str]) -> str:
    """What stands between a name and its value."""
    return head.string[head.end("rest") : head.end()]


def _is_prose(value: str, after: str) -> bool:
    """`wrong password: retrying in 5 s`: a word of letters, and others."""
    if not value.isalpha():
        return False
    return re.match(r" [a-zé]+(?![\w=:])" if value.islower() else r" \w+ [a-zé]+ [a-zé]+", after) is not None


_SAID = re.compile(
    r"(?:pass(?:word|wort|wd|phrase|code)?|mot de passe|secret|token|jeton|credentials?|api[ _-]key|identified by|cl"
    r"(?:e|é) secr(?:e|è)te)"
    rf"(?:[ \t]{{1,4}}(?:is|was|is ?:|is now|est|était|of|as|to|set to|reset to|changed to|=|:|with|hash))?["
    rf" \t]{{1,20}}"
    rf"(?:\(?(?P<mark>{_QUOTE}|«[ \u00a0]?)(?P<quoted>(?:(?!(?P=mark)|[ \u00a0]?»).){{1,1024}})"
    r"|(?P<bare>(?=[^\s]{0,80}[0-9])(?=[^\s]{0,80}[a-z])[^\s\"'<>(){}\[\],;/=]{6,}))",
)  # fmt: skip
"""`Invalid passphrase "x"`, `WITH PASSWORD 'x'`, `IDENTIFIED BY 'x'`, `password hunter2`; in small letters."""


def _said(line: str, low: str) -> Iterator[Span]:
    for found in _SAID.finditer(low):
        group = "quoted" if found["quoted"] is not None else "bare"
        start, end = found.span(group)
        end = end if group == "quoted" else _trimmed(line, start, end)
        value = line[start:end]
        if (
            is_none(value)
            or is_elsewhere(value)
            or "***" in value
            or re.match(r"[\w.-]+:$|sha\d|v?\d+(?:\.\d+)+", value, re.IGNORECASE)
        ):
            continue
        if group == "quoted" and found.string[found.start() - 1 : found.start()] in ("'", '"'):  # the quote ends here
            continue
        yield Span(start, end)


_LABELS = (
    r"pass(?:word|wort|wd|phrase|code|key)?|secret|token|credential"
    r"|(?:api|access|private|encryption|signing|master|auth)[ _-]?key"
)

_LABELLED = re.compile(
    rf"[\"']?(?:name|key|variable)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?[\w.-]{{0,60}}?"
    rf"(?:{_LABELS})[\w.-]{{0,40}}[\"']?[ \t]{{0,4}},?[ \t]{{0,4}}"
    r"[\"']?value[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?:(?P<mark>[\"'])(?P<quoted>(?:\\.|(?!(?P=mark)).)*)|"
    r"(?P<bare>[^\s,}]+))",
    re.IGNORECASE,
)  # fmt: skip
_TAGGED = re.compile(
    rf"<([\w.:-]{{0,40}}(?:{_LABELS}|pwd)[\w.:-]{{0,40}})(?:[ \t][^<>]{{0,200}})?>(?P<quoted>[^<]+)", re.IGNORECASE
)


def _structured(line: str, low: str) -> Iterator[Span]:
    """`{"name": "DB_PASSWORD", "value": "x"}`, `<password>x</password>`."""
    for pattern in (_LABELLED,) * ("value" in low) + (_TAGGED,) * ("</" in line):
        for found in pattern.finditer(line):
            group = "quoted" if found["quoted"] is not None else "bare"
            if not is_none(found[group]) and not is_elsewhere(found[group]):
                yield Span(*found.span(group))


_TRIGGERS = (
    "pass", "contrase", "kennwort", "phrase", "secr", "token", "jeton", "credential", "key", "code", "cookie",
    "accès", "acces",
    "masterauth", "string", "=cle", "clé", "pwd", "pw", "mdp", "psk", "otp", "=pin", "salt", "mnemonic", "seed",
    "sess", "=sid",
    "csrf", "xsrf", "jwt", "bearer", "=auth", "nonce", "hmac",
)  # fmt: skip

RULES = (
    Rule(_TRIGGERS, _named),
    Rule(("pass", "secr", "token", "jeton", "credential", "api", "identified"), _said),
    Rule(("pass", "secr", "token", "credential", "key", "pwd"), _structured),
)
