"""CouchDB's configuration files, read as it reads them, and the lines that it leaves out without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cozydiag.text import Text, t

RENAMED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("chttpd", "enable_cors"): ("httpd", "enable_cors"),
    ("chttpd", "max_http_request_size"): ("httpd", "max_http_request_size"),
    ("chttpd", "require_valid_user"): ("chttpd_auth", "require_valid_user"),
    ("chttpd_auth", "secret"): ("couch_httpd_auth", "secret"),
    ("chttpd_auth", "timeout"): ("couch_httpd_auth", "timeout"),
    ("chttpd_auth", "iterations"): ("couch_httpd_auth", "iterations"),
    ("chttpd_auth", "require_valid_user"): ("couch_httpd_auth", "require_valid_user"),
}
"""Settings that moved to another section in 3.2 and 3.3, and are still read in the old one (whatsnew/3.2, 3.3)."""


class Line(NamedTuple):
    """A place in a file, for people: the text is never shown, as it may hold a password."""

    path: str
    number: int


class Ini(NamedTuple):
    """The settings in force, the last file first in rank; ``malformed`` are lines that CouchDB ignores."""

    settings: Mapping[tuple[str, str], str] = {}
    places: Mapping[tuple[str, str], Line] = {}
    malformed: tuple[Line, ...] = ()

    def get(self, section: str, key: str, default: str = "") -> str:
        """The value, also where it stands under the section's old name."""
        found = self.settings.get((section, key))
        if found is None and (section, key) in RENAMED:
            return self.get(*RENAMED[section, key], default)
        return default if found is None else found

    def section(self, name: str) -> dict[str, str]:
        return {key: value for (section, key), value in self.settings.items() if section == name}


def read(files: Iterable[tuple[str, bytes]]) -> Ini:
    """What CouchDB makes of these files, in this order (`config.erl parse_ini_file`, 3.5).

    Sections stand in [brackets] at the beginning of a line; a line with ` = ` or `=` is a setting, one that begins
    with blanks goes on the last value, one that begins with `;` is a comment; all else is left out without a word.
    """
    settings: dict[tuple[str, str], str] = {}
    places: dict[tuple[str, str], Line] = {}
    malformed: list[Line] = []
    for path, content in files:
        section, last = "", None
        for number, raw in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            line = raw.strip()
            if not line or line[0] in ";#":  # `#` only looks like a comment: it is a line without meaning, and harmless
                continue
            if line[0] == "[" and "]" in line:
                section, last = line[1 : line.index("]")], None
                continue
            key, mark, value = line.partition("=")
            key = key.strip()
            if raw[0] in " \t" and last is not None and not mark:
                settings[last] = f"{settings[last]} {line}".strip()
            elif not mark or not key or not section or line[0] == "[":
                malformed.append(Line(path, number))
            else:
                last = (section, key)
                settings[last] = _without_comment(value)
                places[last] = Line(path, number)
                if not settings[last]:  # an empty value takes the setting away again
                    del settings[last]
                    last = None
    return Ini(settings, places, tuple(malformed))


def _without_comment(value: str) -> str:
    """What stands before ` ;`, as CouchDB cuts it."""
    return value.partition(" ;")[0].strip()


def bad_arguments(content: bytes) -> Iterator[tuple[int, Text]]:
    """Lines of `vm.args` that Erlang takes apart in another way than they were meant (erl(1), `-args_file`; a blank or
    an odd quote ends a word). No word of them is shown: a cookie is a secret."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        words = line.partition("#")[0].split(None, 1)
        if not words:
            continue
        flag, value = words[0], words[1].strip() if len(words) > 1 else ""
        if flag == "-setcookie" and (value.count("'") % 2 or value.count('"') % 2 or len(value.split()) > 1):
            yield number, t("the cookie has blanks or a single quote in it")
        elif flag == "-name" and not _is_node(value.strip("'\"")):
            yield number, t("the node name is not name@host with a dot in host")


def _is_node(name: str) -> bool:
    local, at, host = name.partition("@")
    return bool(local and at) and ("." in host or ":" in host) and "@" not in host


def vm_args(content: bytes) -> dict[str, str]:
    """The flags of Erlang in `vm.args`: `-name`, `-setcookie`, the last one wins."""
    flags = {}
    for line in content.decode("utf-8", "replace").splitlines():
        words = line.split("#")[0].split(None, 1)
        if words and words[0].startswith(("-", "+")):
            flags[words[0]] = words[1].strip().strip("'\"") if len(words) > 1 else ""
    return flags
