"""Logs in files: from the end, through what logrotate put aside, and from where one left off."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.files import open_regular
from cozydiag.host.logs import LINE_LIMIT, clean

BLOCK: Final = 1 << 18
"""Bytes that are read at once."""

WIDEST: Final = 1 << 16
"""Bytes that are kept of a line of JSON: the journal writes thirty fields around each message."""

_ANSWER: Final = 8 << 20

MOST: Final = 64 << 20
"""Bytes that are read of one log at most: the rest of a longer one, or of one that is a bomb, is left alone."""


class Place(NamedTuple):
    """Where one left off: the file's number, and the bytes that were read of it."""

    inode: int
    offset: int


def last(path: str, lines: int) -> list[str] | Failure:
    """The last ``lines`` of a log, cleaned, oldest first; where the file has fewer, those before them in `path.1`,
    `path.2.gz` ... A symbolic link is followed: whoever names a file means it."""
    descriptor = open_regular(path, follow=True)
    if isinstance(descriptor, Failure):
        return descriptor
    try:
        found = _end(descriptor, lines) if not path.endswith(".gz") else _unpacked(descriptor, lines)
        for older in rotated(path):
            if len(found) >= lines:
                break
            found = [*_older(older, lines - len(found)), *found]
    except (OSError, EOFError) as error:
        return from_os_error(error) if isinstance(error, OSError) else Failure("protocol", str(error))
    return cleaned(found)


def since(path: str, place: Place | None, lines: int) -> tuple[list[str], Place] | Failure:
    """What was written since ``place``, its last ``lines`` at most, and where it ends now: behind the last whole line.
    After a rotation that is the end of `path.1` with the new file; a file that became shorter is new."""
    descriptor = open_regular(path, follow=True)
    if isinstance(descriptor, Failure):
        return descriptor
    try:
        state = os.fstat(descriptor)
        same = place is not None and place.inode == state.st_ino and place.offset <= state.st_size
        start = place.offset if same and place is not None else 0
        half = len(_half(descriptor, state.st_size - start, state.st_size))
        found = _end(descriptor, lines + 1, start)
        if half and found:
            found.pop()  # it is still being written, and read when it is whole
        if place is not None and place.inode != state.st_ino:
            found = [*_rest(f"{path}.1", place, lines), *found]
    except OSError as error:
        return from_os_error(error)
    return cleaned(found[-lines:]), Place(state.st_ino, state.st_size - half)


def _half(descriptor: int, written: int, size: int) -> bytes:
    """What stands behind the last line end."""
    end = os.pread(descriptor, min(BLOCK, written), size - min(BLOCK, written))
    return end.rpartition(b"\n")[2]


def _rest(path: str, place: Place, lines: int) -> list[bytes]:
    """What had not been read yet of a file that was put aside meanwhile."""
    descriptor = open_regular(path, follow=False)
    if isinstance(descriptor, Failure):
        return []
    if os.fstat(descriptor).st_ino == place.inode:
        return _end(descriptor, lines, place.offset)
    os.close(descriptor)
    return []


def rotated(path: str) -> Iterator[str]:
    """What logrotate has put aside of ``path``, newest first: by number, or by date."""
    folder, name = os.path.split(path)
    mark = re.compile(re.escape(name) + r"[.-](\d{1,3}|\d{8}(?:-?\d{1,10})?)(?:\.gz)?")
    try:
        found = [(match[1], entry) for entry in os.listdir(folder or ".") if (match := mark.fullmatch(entry))]
    except OSError:
        return
    numbered = sorted((int(number), entry) for number, entry in found if len(number) <= 3)
    dated = sorted(((number, entry) for number, entry in found if len(number) > 3), reverse=True)
    yield from (os.path.join(folder, entry) for _, entry in (*numbered, *dated))


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream; what log-cache answers as one line is taken apart."""
    while line := stream.readline(_ANSWER):
        if line.startswith(b'{"envelopes"'):
            yield from _envelopes(line)
        else:
            yield line[: WIDEST if line[:1] == b"{" else 4 * LINE_LIMIT].rstrip(b"\n")  # four bytes a character at most


def _envelopes(answer: bytes) -> Iterator[bytes]:
    import json

    try:
        batch = json.loads(answer)["envelopes"]["batch"]
        found = sorted(batch, key=lambda one: int(one["timestamp"]))
    except (ValueError, KeyError, TypeError):
        yield answer
        return
    yield from (json.dumps(one).encode() for one in found)


def cleaned(lines: Iterable[bytes]) -> list[str]:
    """Made harmless and cut; a line of JSON longer, for what counts in it is cut when it is taken out."""
    whole = list(lines)
    texts = b"\n".join(whole).decode("utf-8", "replace").split("\n") if whole else []
    # Nearly all are printable and short: these are left as they are.
    return [text if text.isprintable() and len(text) <= LINE_LIMIT else _cleaned(text) for text in texts]


def _cleaned(line: str) -> str:
    text = clean(line[:WIDEST], WIDEST if line[:1] == "{" else LINE_LIMIT)
    return text.replace("\n", " ").rstrip("\r ") if "\n" in text else text


def _end(descriptor: int, lines: int, start: int = 0) -> list[bytes]:
    """From the end in blocks until there are ``lines`` lines, but not beyond ``start``. Takes ``descriptor`` over."""
    blocks: list[bytes] = []
    ends = 0
    try:
        at = end = os.fstat(descriptor).st_size
        while at > start and ends <= lines and end - at < MOST:
            size = min(BLOCK, at - start)
            at -= size
            blocks.append(os.pread(descriptor, size, at))
            ends += blocks[-1].count(b"\n")
    finally:
        os.close(descriptor)
    found = b"".join(reversed(blocks)).split(b"\n")
    if not found[-1]:
        found.pop()
    return found[-lines:] if at <= start or len(found) > lines else found[1:]


def _older(path: str, lines: int) -> list[bytes]:
    descriptor = open_regular(path, follow=False)
    if isinstance(descriptor, Failure):
        return []
    return _unpacked(descriptor, lines) if path.endswith(".gz") else _end(descriptor, lines)


def _unpacked(descriptor: int, lines: int) -> list[bytes]:
    """The last ``lines`` of a packed file, which can be read from its beginning only. Takes ``descriptor`` over."""
    import gzip

    kept: deque[bytes] = deque(maxlen=lines)
    taken = 0
    with os.fdopen(descriptor, "rb") as packed, gzip.GzipFile(fileobj=packed) as file:
        for line in iter(lambda: file.readline(WIDEST), b""):
            kept.append(line.rstrip(b"\n"))
            taken += len(line)
            if taken > MOST:
                break
    return list(kept)
