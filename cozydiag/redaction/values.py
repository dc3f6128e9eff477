"""Whether what stands in the place of a secret is one."""

from __future__ import annotations

import re
from functools import lru_cache

_STAND_IN = re.compile(
    r"<(?:secret|cookie|hash|token)#\d{1,9}>|<private-key>"  # ours
    r"|\*{3,}|\.{3,}|…+|[xX]{4,}|-{2,}"
    r"|[\[(<{]*(?:redacted|filtered|hidden|masked|removed|censored|scrubbed|secret|none|null|nil|empty|not set"
    r"|n/a)[\])>}]*"
    r"|\[?withheld\b.*",
    re.IGNORECASE,
)

_TEMPLATE = re.compile(
    r"\$\{[^}]*\}|![a-z]+(?: [|>][+-]?)?|your[_-][\w-]{1,40}|YOUR[_-][\w-]{1,40}|\$\([^)]*\)|\$\w+|\$|\{\{.*"
    r"|%\([^)]*\)s|%[A-Za-z]|%\{[^}]*\}|<%.*|<[A-Za-z][\w .:-]{0,40}>|@[\w.-]+@"
    r"|\{[\w.]*\}"
)

_PATH = re.compile(r"(?:file:|hash:|texthash:|lmdb:|btree:|cdb:|regexp:|pcre:|@)?(?:~|\.{1,2})?/[\w.@%+/~{}*-]*\.?")

_URL = re.compile(r"[a-z][a-z0-9+.-]{1,15}:/\S*", re.IGNORECASE)

_WORDS = frozenset(
    ["true", "false", "yes", "no", "on", "off", "null", "none", "nil", "undefined", "nan", "required", "optional",
     "missing", "empty", "invalid", "incorrect", "wrong", "expired", "expires", "not", "must", "should", "is", "was",
     "are", "were", "has", "have", "unset", "set", "disabled", "enabled", "default", "prompt", "ask", "string",
     "object", "number", "boolean", "function", "array", "unknown", "failed", "failure", "fails", "error", "errors",
     "ok", "denied", "authentication", "verification", "mismatch", "for", "from", "in", "of", "to", "and", "or",
     "the", "a", "an", "file", "found", "expected", "unexpected", "refused", "rejected", "accepted", "valid", "bad",
     "cannot", "unable", "could", "please", "enter", "type", "changed", "unchanged", "updated", "created", "deleted",
     "revoked", "generated", "reset", "loaded", "read", "reading", "sent", "received", "used", "unused", "given",
     "stored", "saved", "present", "absent", "available", "unavailable", "supported", "unsupported", "bearer",
     "basic", "digest", "plain", "login", "md5", "sha1", "sha256", "sha512", "pbkdf2", "bcrypt", "scrypt", "argon2id",
     "aes", "rs256", "hs256", "es256", "peer", "trust", "reject", "ident", "scram-sha-256", "oauth2", "x", "y", "n",
     "this", "that", "with", "without", "may", "can", "will", "too", "only", "it", "its", "you", "your", "my", "we",
     "he", "authorization", "password", "passwords", "passphrase", "username", "user", "users", "token", "tokens",
     "secret", "secrets", "key", "keys", "credential", "credentials", "cookie", "cookies", "session", "incorrecte",
     "invalide", "manquant", "manquante", "requis", "requise", "vide", "aucun", "aucune", "non", "oui", "expire",
     "doit", "doivent", "le", "la", "les", "un", "une", "est", "sont", "erreur", "obligatoire", "inconnu", "inconnue",
     "ou", "et", "de", "du", "des", "pour", "par", "dans", "sur", "avec", "sans", "pas", "trop", "mauvais",
     "mauvaise", "faux", "fausse", "valide", "changed", "foobared", "chauthtok", "malformed", "revoked", "into", "dans"]
)  # fmt: skip
"""What follows such a key in messages, types and schemes."""


@lru_cache(maxsize=512)
def is_hidden(value: str) -> bool:
    """Whether it is a stand-in already, ours or another's."""
    return _STAND_IN.fullmatch(value) is not None


@lru_cache(maxsize=512)  # a log says the same again and again
def is_none(value: str, *, message: bool = True) -> bool:
    """Whether there is no secret in ``value``: nothing, a stand-in, a template, a word of a message; with ``message``
    also a whole one that begins with such a word."""
    word = value.strip("\"'`«» \t.,;:!?()[]{}~\u00a0")
    if not word:
        return True
    return is_hidden(value.strip()) or _TEMPLATE.fullmatch(value.strip()) is not None or _says_so(word.lower(), message)


@lru_cache(maxsize=512)
def is_elsewhere(value: str) -> bool:
    """Whether it is the place of a secret, and not the secret: a path, an address."""
    value = value.strip("\"' ;,")
    return _PATH.fullmatch(value) is not None or _URL.match(value) is not None


def _says_so(words: str, message: bool) -> bool:
    if not message:
        return words in _WORDS
    first = re.split(r"[\s.,;:!?()]", words, maxsplit=1)[0].strip("\"'`«»")
    return first in _WORDS
