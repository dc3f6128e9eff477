"""Places where secrets stand whatever they are called: URLs, headers, cookies, addresses that are secrets."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator

from cozydiag.redaction.rule import Rule, Span
from cozydiag.redaction.values import is_elsewhere, is_hidden, is_none

# -- user and password in URLs ---------------------------------------------------------------------------

_USERINFO = re.compile(
    r":(?:\\{0,3}/){2}(?P<user>[^\s:/@\"'<>?#]{0,200}(?:@[\w.-]{1,200}(?=:[^\s/@\"'<>?#]{1,200}@))?)"
    r"(?::(?P<password>(?:[^\s\"'<>@]|<(?=[a-z-]+#?\d*>)|@(?=[^\s/@\"'<>?#]{0,200}@)|(?<=\w)>(?=@)){0,256}))?@"
)
_ENCODED_USERINFO = re.compile(
    r"%3a%2f%2f(?P<user>(?:(?!%40|%3a|%2f)[^\s:/@\"'<>?#&]){0,200})(?:%3a(?P<password>(?:(?!%40"
    r"|%2f)[^\s\"'<>@&]){0,256}))?%40",
    re.IGNORECASE,
)
_PORT = re.compile(r"\d{0,5}(?:[/?#].*)?", re.DOTALL)

_ACCOUNT = re.compile(
    r"(?<![\w/@.:%+-])(?!mailto:|sip:|sips:|xmpp:|acct:|to:|cc:|bcc:|from:|by:|ssh:|git:)[A-Za-z][\w.+-]{0,31}:"
    r"(?P<password>[^\s:/@\"'<>(),;]{3,200})@"
    r"(?:tcp\(|unix\(|localhost\b|\d{1,3}(?:\.\d{1,3}){3}\b|\[[0-9a-f:]+\]|[\w.-]{1,200}:\d{2,5}\b|[\w-]{1,63}(?:/|\s"
    r"|$))",
    re.IGNORECASE,
)  # fmt: skip
"""`user:password@tcp(127.0.0.1:3306)/db`, `user:password@10.0.0.1`: no scheme before it."""


def _urls(line: str, low: str) -> Iterator[Span]:
    if "://" not in low and ":\\" not in low and "%3a" not in low:
        return
    for found in (*_USERINFO.finditer(line), *(_ENCODED_USERINFO.finditer(line) if "%40" in line else ())):
        user, password = found["user"], found["password"]
        if password is None:
            if len(user) >= 16 and re.search(r"\d", user) and not is_hidden(user):  # a token stands for both
                yield Span(found.start("user"), found.end("user"), "token")
        elif password and not _PORT.fullmatch(password) and not _is_stand_in(password):
            yield Span(*found.span("password"))


_WORD_BEGINS = re.compile(r"[\s\"'(<>=,;]")


def _accounts(line: str, low: str) -> Iterator[Span]:
    at = line.find("@")
    while at >= 0:
        before = line[max(0, at - 240) : at].rpartition(" ")[2]
        if ":" in before:
            word = _WORD_BEGINS.split(before)[-1]
            found = _ACCOUNT.match(line, at - len(word)) if ":" in word else None
            if found and not is_none(found["password"]) and not found["password"].isdigit():
                yield Span(*found.span("password"))
        at = line.find("@", at + 1)


def _is_stand_in(value: str) -> bool:
    return is_hidden(value) or (is_none(value) and value[:1] in "$%{<*")


# -- queries ---------------------------------------------------------------------------------------------

_QUERY = re.compile(
    r"(?:[?&;]|&amp;|%3f|%26)(?P<name>[\w.-]{1,64})(?:=|%3d)(?P<value>(?:(?!%26|&)[^\s&;\"'<>#,)\]}|\\]){1,8192})",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"token|secret|passw(?:or)?d|pass|passphrase|pwd|key|code|sig|credential|auth|jwt|otp|ticket|sess|sid|state"
    r"|assertion|saml|hash"
    r"|hmac|nonce|invit|bearer|perm|magic",
    re.IGNORECASE,
)
_NO_SECRET_NAME = re.compile(
    r"(?:start|end|group|sort|public|primary|status|error|country|zip|lang|post)_?(?:key|code)|postcode|key_?id|keys"
    r"|auth(?:or|or_?id|uri|method)|status|statement|estate"
    r"|passive|keyword\w*|keep\w*|inside|side|residen\w*|permalink|hashtag\w*|barcode|codec|encode|decode|assign\w*"
    r"|design\w*|significa\w*",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"(?:code|state|hash|key|session|auth|ticket|nonce|perm|sid|status_?code|error_?code|country_?code|sig)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"[a-z_-]{1,12}|[A-Z_]{1,12}|\d{1,5}|[a-z]{2}[-_][A-Z]{2}", 0)


def _queries(line: str, low: str) -> Iterator[Span]:
    if not any(mark in low for mark in ("?", "&", ";", "%3f", "%26")):
        return
    for found in _QUERY.finditer(line):
        value = found["value"]
        if is_hidden(value) or not _SECRET_NAME.search(found["name"]) or _NO_SECRET_NAME.fullmatch(found["name"]):
            continue
        if _LOOSE.search(found["name"]) and (
            (_HARMLESS.fullmatch(value) and found["name"].lower() != "state")
            or value.startswith(("%22", "%5b", "%5B", "[", "{"))
        ):
            continue
        if value.lower() in ("true", "false", "null", "none", "undefined", "open", "running", "closed", "active"):
            continue
        yield Span(*found.span("value"))


# -- headers ---------------------------------------------------------------------------------------------

_QUOTE = r"(?:\\{0,3}[\"'`]|&quot;|&#0?3[49];|%2[27])"
_SCHEMES = (
    r"basic|bearer|digest|token|negotiate|ntlm|apikey|api-key|hawk|mac|oauth|hoba|vapid|scram-sha-\d+"
    r"|aws4-hmac-sha256|sso-key|signature|key|macaroon|pveapitoken"
)

_AUTHORIZATION = re.compile(
    rf"(?:authorization|authentication-info|x-auth){_QUOTE}?(?:\][ \t]{{0,4}}=>?|[ \t]{{0,4}}(?:=>|[:=])|[ \t]{{0,4}},"
    rf"|%3a|%3d|[ \t]+(?={_QUOTE}?(?:{_SCHEMES})\b))(?:[ \t+]|%20){{0,8}}\[?[ \t]{{0,4}}"
    rf"(?P<mark>{_QUOTE})?(?:(?P<scheme>{_SCHEMES})(?:[ \t+=:]|%20){{1,8}})?(?P<value>(?:(?!(?P=mark)).)+|.+)",
    re.IGNORECASE,
)  # fmt: skip

_SCHEME_ALONE = re.compile(r"\b(?:basic|bearer)(?:[ \t+]|%20){1,4}(?P<value>[\w+/=.~%-]{8,})", re.IGNORECASE)

_HEADER = re.compile(
    rf"\b(?:x-[\w-]{{0,40}}?(?:token|key|secret|auth|signature|session|password|credential)s?|private-token|api-?key"
    rf"|deploy-token|job-token|x-amz-security-token|www-authenticate-token|apikey|sec-websocket-key){_QUOTE}?["
    rf" \t]{{0,4}}(?:=>|[:=,])[ \t]{{0,4}}(?P<mark>{_QUOTE})?(?P<value>(?:(?!(?P=mark)).)+|[^\s\"',;]+)",
    re.IGNORECASE,
)  # fmt: skip
_MAIL_AUTH = re.compile(
    r"\bauth[ \t]+(?:plain|login|xoauth2|oauthbearer|cram-md5)[ \t]+(?P<value>[\w+/=-]{4,})|\"auth\"(?P<many>(?:["
    r" \t]+\"[^\"]{1,400}\"){1,2})|\b[a-z]{0,3}\d{1,5}[ \t]+login[ \t]+\S{1,100}[ \t]+(?P<login>\S+)|(?:^|[>\"\]:] ?"
    r"|c: ?)pass[ \t]+(?P<pass>[^\s\":]+)\"?\s*$",
    re.IGNORECASE,
)


def _headers(line: str, low: str) -> Iterator[Span]:
    for found in _AUTHORIZATION.finditer(line):
        start, end = found.span("value")
        if found["mark"] is None:
            end = start + len(
                _unquoted(
                    line[start:end],
                    whole=found["scheme"] is None
                    or found["scheme"].lower()
                    in ("digest", "hawk", "oauth", "aws4-hmac-sha256", "signature", "mac", "token"),
                )
            )
        value = line[start:end]
        if value.startswith(("$", "%{")) or is_hidden(value.rstrip(";, ")):
            continue
        if found["scheme"] is None and (
            is_none(value) or len(value) < 4 or (" " in value.strip() and not re.search(r"\d", value))
        ):
            continue
        if re.match(r"realm=|error=", value, re.IGNORECASE):
            continue
        yield Span(start, start + len(value.rstrip(" \t;,")))


def _schemes(line: str, low: str) -> Iterator[Span]:
    for found in _SCHEME_ALONE.finditer(line):
        if _is_login(found["value"]) if found[0][:2].lower() == "ba" else _is_random(found["value"], 16):
            yield Span(*found.span("value"))


def _secret_headers(line: str, low: str) -> Iterator[Span]:
    if not any(mark in low for mark in ("x-", "-token", "apikey", "api-key", "-key")):
        return
    for found in _HEADER.finditer(line):
        start, end = found.span("value")
        if found["mark"] is None:
            end = start + len(re.split(r"[\s\"',;]", line[start:end], maxsplit=1)[0])
        if not is_none(line[start:end]) and not line[start:end].startswith("$"):
            yield Span(start, end)


def _unquoted(value: str, *, whole: bool) -> str:
    """Up to the end of the line where one scheme has many parts, to the next blank or quote where it has one."""
    if whole:
        return re.split(r"['\"`]?[ \t]+(?:https?://|-[a-zA-Z]\b|--\w)", value, maxsplit=1)[0]
    return re.split(r"[\s\"'`<>,;)}\]\\&]", value, maxsplit=1)[0]


def _logins(line: str, low: str) -> Iterator[Span]:
    """SMTP, IMAP, POP, FTP, Redis: what a client says when it logs in."""
    for found in _MAIL_AUTH.finditer(line):
        if found["many"] is not None:
            inner = re.finditer(r'"([^"]+)"', found["many"])
            yield from (Span(found.start("many") + one.start(1), found.start("many") + one.end(1)) for one in inner)
            continue
        name = next(group for group in ("value", "login", "pass") if found[group] is not None)
        if name == "pass" and "PASS" not in found[0]:
            continue
        start, end = found.span(name)
        value = line[start:end]
        quoted = value[:1] == '"' and value[-1:] == '"' and len(value) > 2
        if not is_none(value):
            yield Span(start + quoted, end - quoted)


def _is_login(value: str) -> bool:
    """Whether it is `user:password` in Base64."""
    try:
        said = a2b_base64(value.replace("%3D", "=").rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))
    except (Error, ValueError):  # ValueError: letters beyond ASCII
        return False
    return b":" in said and all(byte >= 32 for byte in said)


def _is_random(value: str, least: int) -> bool:
    return len(value) >= least and re.search(r"\d", value) is not None and not value.isdigit() and "=" not in value[:-2]


# -- cookies ---------------------------------------------------------------------------------------------

_COOKIE = re.compile(
    rf"\b(?P<set>set-)?cookies?\d?(?P<close>{_QUOTE})?(?:[ \t]{{0,4}}(?:=>|[:=,])|%3a)[ \t]{{0,4}}\[?[ \t]{{0,4}}"
    rf"(?P<mark>{_QUOTE})?(?P<value>(?:(?!(?P=mark)).)+|.+)"
    rf"|[ \t](?:-b|--cookie)[ \t=]{{1,4}}(?P<mark2>[\"'])?(?P<value2>[\w.-]{{1,64}}=\S+)",
    re.IGNORECASE,
)  # fmt: skip
_PAIR = re.compile(r"(?<![\w.!#$%&*+^`|~@-])(?P<name>[\w.!#$%&*+^`|~-]{1,128})=(?P<value>\"[^\"]*\"?|[^\s;,\"']+)")
_ATTRIBUTES = frozenset(
    {
        "path",
        "domain",
        "expires",
        "max-age",
        "version",
        "samesite",
        "secure",
        "httponly",
        "priority",
        "comment",
        "partitioned",
        "locale",
        "lang",
        "language",
        "theme",
        "tz",
    }
)
_NAMED_COOKIE = re.compile(
    r"\b(?:cozysessid|authsession|sess-[0-9a-f]{4,64}|connect\.sid|phpsessid|jsessionid|asp\.net_sessionid|sessionid"
    r"|session_id|express:sess(?:\.sig)?|_session|laravel_session|csrftoken|xsrf-token|remember_me|remember_token"
    r"|oc_sessionpassphrase|nc_session\w*|grafana_session|koa\.sid|rack\.session|session)(?:=|%3d|['\"]?[ \t]{0,3}:["
    r" \t]{0,3}['\"])(?P<value>[^\s;,&\"'<>\\)\]}]{6,})",
)  # fmt: skip
"""In small letters."""


def _cookies(line: str, low: str) -> Iterator[Span]:
    for found in _COOKIE.finditer(line) if "cookie" in low or " -b " in low else ():
        group = "value" if found["value"] is not None else "value2"
        start, end = found.span(group)
        for pair in _PAIR.finditer(line, start, end):
            value = pair["value"].strip('"')
            if pair["name"].lower() in _ATTRIBUTES or len(value) < 4 or is_none(value) or value.startswith("$"):
                continue
            offset = pair.start("value") + pair["value"].startswith('"')
            yield Span(offset, offset + len(value), "cookie")
    for found in _NAMED_COOKIE.finditer(low):
        start, end = found.span("value")
        if not is_none(line[start:end]) and (end - start >= 16 or re.search(r"\d", found["value"])):
            yield Span(start, end, "cookie")


# -- addresses that are secrets ----------------------------------------------------------------------------

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_HOOK = re.compile(
    rf"(?:hc-ping\.com|healthchecks\.io|hchk\.io|cronitor\.(?:link|io)(?:/p)?|nosnch\.in|heartbeat\.uptimerobot\.com"
    rf"|webhook\.site|cronhub\.io/ping|ping\.ohdear\.app|deadmanping\.com)/(?:ping/|p/)?(?P<ping>[\w-]{{4,}}"
    rf"(?:/[\w-]{{6,}})?)"
    rf"|(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/(?:v\d+/)?webhooks"
    rf"|hooks\.zapier\.com/hooks/catch|[\w.-]*webhook\.office\.com/webhookb2|outlook\.office(?:365)?\.com/webhook"
    rf"|[\w-]+\.logic\.azure\.com/workflows|maker\.ifttt\.com/trigger/[\w-]+/(?:json/)?with/key"
    rf"|events\.pagerduty\.com/integration|api\.opsgenie\.com/v\d/heartbeats)/(?P<hook>[\w@./-]{{8,}})"
    r"|api\.telegram\.org/(?:file/)?bot(?P<bot>\d{6,12}(?::|%3a)[\w-]{20,})"
    r"|ntfy\.sh/(?P<topic>[\w-]{6,64})"
    rf"|/(?:api/push|push|ping|pings|heartbeat|heartbeats|hooks|webhooks?|incoming|invite|invitation|confirm|activate"
    rf"|unsubscribe|reset|reset-password|magic|share)(?:/[\w-]{{1,20}})??/(?P<path>{_UUID}|(?=[a-zA-Z_-]{{0,40}}[0-9])"
    rf"(?=[0-9_-]{{0,40}}[A-Za-z])[\w-]{{16,}})",
    re.IGNORECASE,
)  # fmt: skip


def _hooks(line: str, low: str) -> Iterator[Span]:
    for found in _HOOK.finditer(line):
        yield Span(*found.span(found.lastgroup or 0), "token")


# -- files of logins ---------------------------------------------------------------------------------------

_SASL = re.compile(
    r"[ \t]*\[?[\w.-]{1,200}\]?(?::[\w-]{1,20})?[ \t]+[^\s:@]{1,100}(?:@[\w.-]{1,200})?:(?P<value>[^\s/~]\S{2,})[ \t]*"
)
_EXIM = re.compile(r"[\w.*-]{1,200}:[^\s:@]{1,100}@[\w.-]{1,200}:(?P<value>[^\s/]\S*)")
_PGPASS = re.compile(r"[\w.*-]{1,200}:(?:\d{2,5}|\*):[\w.*-]{1,100}:[\w.*-]{1,100}:(?P<value>\S.*)")
_HTDIGEST = re.compile(r"[^\s:]{1,100}:[^:]{1,100}:(?P<value>[0-9a-f]{32})[ \t]*", re.IGNORECASE)
"""htdigest(1): user, realm, MD5 of both and the password."""

_REALMS = ("realm", "digest", "restricted", "private", "protected", "zone", "admin", "auth", "acces", "accès", "privé")
_NETRC = re.compile(r"\blogin[ \t]+\S{1,200}[ \t]+password[ \t]+(?P<value>\S+)", re.IGNORECASE)


def _is_place(value: str) -> bool:
    return value.isdigit() or is_elsewhere(value) or is_none(value)


def _login_files(line: str, low: str) -> Iterator[Span]:
    """`sasl_passwd`, `.pgpass`, `.netrc`: whole lines of a known form."""
    fields = len(line.split(None, 2))
    sasl = _SASL.fullmatch(line) if fields == 2 else None
    if sasl and ("@" in line[: sasl.start("value")] or line.lstrip()[0] == "[") and not _is_place(sasl["value"]):
        yield Span(*sasl.span("value"))
    exim = _EXIM.fullmatch(line) if fields == 1 else None
    if exim and not _is_place(exim["value"]):
        yield Span(*exim.span("value"))
    pgpass = _PGPASS.fullmatch(line) if fields == 1 else None
    if pgpass and not is_none(pgpass["value"]) and not is_elsewhere(pgpass["value"]):
        yield Span(*pgpass.span("value"))
    for found in _NETRC.finditer(line) if "login" in low else ():
        if not is_none(found["value"]):
            yield Span(*found.span("value"))


def _digests(line: str, low: str) -> Iterator[Span]:
    found = _HTDIGEST.fullmatch(line) if any(word in low for word in _REALMS) else None
    if found:
        yield Span(*found.span("value"), "hash")


_NAMES = (
    "token", "secret", "pass", "pwd", "key", "code", "sig", "credential", "auth", "jwt", "otp", "ticket", "sess", "sid",
    "state", "assert", "saml", "hash", "hmac", "nonce", "invit", "perm", "magic", "bearer",
)  # fmt: skip
_SERVICES = (
    "ping", "healthchecks", "hchk", "cronitor", "nosnch", "uptimerobot", "hook", "cronhub", "deadman", "zapier",
    "azure",
    "ifttt", "pagerduty", "opsgenie", "telegram", "ntfy", "push", "heartbeat", "incoming", "invit", "confirm",
    "activate", "unsubscribe", "reset", "magic", "=share",
)  # fmt: skip

RULES = (
    Rule(("@", "%40"), _urls),
    Rule(("@",), _accounts),
    Rule(_NAMES, _queries),
    Rule(("authorization", "authentication", "=auth"), _headers),
    Rule(("=basic", "=bearer"), _schemes),
    Rule(("token", "key", "secret", "=auth", "signature", "session", "password", "credential"), _secret_headers),
    Rule(("=auth", "=login", "=pass"), _logins),
    Rule(("cookie", "sess", "csrf", "xsrf", "remember", "=sid", " -b "), _cookies),
    Rule(_SERVICES, _hooks),
    Rule(("@", "]:2", "]:4", "]:5", ":5432:", ":*:", "=login"), _login_files),
    Rule(_REALMS, _digests),
)
