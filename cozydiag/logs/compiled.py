"""Java, Go, and others whose failures take a line or two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cozydiag.logs.caught import CUT, Caught

_JAVA = re.compile(
    r'^(?:Exception in thread "[^"]{0,100}" |.{0,200}?\bCaused by: )?'
    r"((?:[a-z_]\w*\.)+[A-Z][\w$]*|[A-Z]\w*Error(?=: Could not| occurred))(?:: (.*)|$)"
)
_JAVA_FRAME = re.compile(r"^\s+at [\w.$/@<>-]+\(")
_CAUSED = re.compile(r"^\s*Caused by: ((?:\w+\.)*[A-Z_a-z][\w$]*)(?:: (.*))?$")
_JAVA_ALONE = re.compile(
    r"^(?:Error: (Could not find or load main class .*|Unable to access jarfile .*|LinkageError occurred .*"
    r"|A JNI error has occurred.*|Could not create the Java Virtual Machine.*)"
    r"|# (There is insufficient memory for the Java.*))"
)
_GO = re.compile(r"^(panic|fatal error): (.*)")
_GO_LOG = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{6})? (?:[\w/.-]{1,60}\.go:\d+: )?(?!\[)(.+)")
_GO_FATAL = re.compile(
    r"(?i)(?:error|fail|refused|denied|cannot|can't|could not|unable|invalid|missing|unknown|no such|not found|in use"
    r"|timeout|timed out|unreachable|x509|tls:|unexpected|eof|exist|exhausted|required|too many|read-only|no space)"
)
_OTHERS = (
    ("ruby", re.compile(r"^\S{1,200}\.rb:\d+:in [`'].{1,200}': (?P<message>.{0,300}) \((?P<type>[A-Z][\w:]*)\)$")),
    ("ruby", re.compile(r"^\S{1,200}:\d+:in [`'].{1,200}': (?P<message>.{0,300}) \((?P<type>\w*Error|Errno::\w+)\)")),
    ("go", re.compile(r'\blevel=(?P<type>fatal|panic) msg="(?P<message>(?:[^"\\]|\\.){1,400})')),
    ("python", re.compile(r"^(?P<type>Fatal Python error): (?P<message>.{1,300})")),
    ("php", re.compile(r"PHP (?P<type>Fatal error|Parse error):\s{1,4}(?P<message>.{1,400})")),
    ("rust", re.compile(r"^thread '[^']{0,100}'(?: \(\d+\))? (?P<type>panicked) at (?P<message>.{1,400})")),
    ("dotnet", re.compile(r"^Unhandled exception\. (?P<type>[\w.]{1,200}): (?P<message>.{0,400})")),
    ("perl", re.compile(r"^(?P<message>.{1,300}) at \S{1,200} line \d+\.$(?P<type>)")),
    ("shell", re.compile(
        r"^(?:/bin/|/usr/bin/)?(?P<type>(?:ba|da)?sh): (?:(?:line )?\d+: )?"
        r"(?P<message>.{1,200}: (?:not found|command not found|[Pp]ermission denied))$"
    )),
)  # fmt: skip
_LONGEST = 400


def java(lines: Sequence[str]) -> Iterator[Caught]:
    """The last `Caused by` of each."""
    taken = -1
    for at, line in enumerate(lines):
        if at <= taken:
            continue
        if alone := _JAVA_ALONE.match(line):
            taken, cause = _java_block(lines, at)
            message = alone[1] or alone[2]
            kind, inner, where = cause or ("java", message, at)
            yield Caught("java", kind, inner[:CUT], where, at, taken, message[:CUT] if cause else "")
        elif (head := _JAVA.match(line)) is not None:
            taken, cause = _java_block(lines, at)
            sure = line.startswith("Exception in thread") or taken > at or head[1].startswith(("java.", "javax."))
            if not sure:
                taken = -1
                continue
            kind, message, where = cause or (head[1], head[2] or "", at)
            yield Caught("java", kind, message[:CUT], where, at, taken, line.strip()[:CUT] if cause else "")


def _java_block(lines: Sequence[str], at: int) -> tuple[int, tuple[str, str, int] | None]:
    """The last line of the failure that begins at ``at``, and its last cause."""
    end, cause = at, None
    for number in range(at + 1, min(len(lines), at + _LONGEST)):
        line = lines[number]
        if found := _CAUSED.match(line):
            cause = (found[1], found[2] or "", number)
        elif not (_is_below(line) or _goes_on(lines, number)):
            break
        end = number
    return end, cause


def _is_below(line: str) -> bool:
    return bool(_JAVA_FRAME.match(line)) or line.lstrip().startswith(("... ", "Suppressed: "))


def _goes_on(lines: Sequence[str], at: int) -> bool:
    """A message can have several lines; its frames or its cause come below them, and no other failure between."""
    for line in lines[at : at + 6]:
        if _is_below(line) or _CAUSED.match(line):
            return True
        if _JAVA.match(line):
            return False
    return False


def go(lines: Sequence[str]) -> Iterator[Caught]:
    """panic and fatal error; and what `log.Fatal` prints, which is a dated line like any other: the last one, or the
    one before `exit status`."""
    for at, line in enumerate(lines):
        if found := _GO.match(line):
            end = next(
                (n - 1 for n in range(at + 1, min(len(lines), at + _LONGEST)) if lines[n].startswith("exit status")), at
            )
            message = re.sub(r" \[recovered.*$", "", found[2])
            yield Caught("go", found[1], message[:CUT], at, at, max(at, end))
        elif (found := _GO_LOG.match(line)) is not None and _GO_FATAL.search(found[1]) and _is_last(lines, at):
            yield Caught("go", "log.Fatal", found[1][:CUT], at, at, at)


def _is_last(lines: Sequence[str], at: int) -> bool:
    following = next((lines[number] for number in range(at + 1, len(lines)) if lines[number].strip()), "exit status")
    return following.startswith("exit status")


def others(lines: Sequence[str]) -> Iterator[Caught]:
    for at, line in enumerate(lines):
        for language, expression in _OTHERS:
            if found := expression.search(line):
                yield Caught(language, found["type"] or "die", found["message"][:CUT], at, at, at)
                break
