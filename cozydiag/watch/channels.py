"""The ways to be heard besides cron's mail. A channel that fails changes no verdict; it is told through the others.

healthchecks: POST to the address for a good run, /start before it, /fail for a bad one, /log for what is worth reading
and neither; ``rid`` pairs start and end; a self-hosted one keeps 10,000 bytes (hc/api/views.py, hc/settings.py).
Uptime Kuma: a push monitor takes GET with status, msg of 250 characters, ping in milliseconds.
"""

import json
import uuid
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from cozydiag.config.values import Notify
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line

TRIES = 3
PATIENCE = 10.0
"""Seconds for one try."""

BODY = 10_000  # bytes of a ping's body
_KUMA = 250  # characters


class Message(NamedTuple):
    """Something to tell. ``level`` as in `rules`."""

    subject: str
    body: str
    level: int


Channel = tuple[str, Callable[[Message], "Failure | None"]]


class Heartbeat:
    """Tells a watcher elsewhere that cozydiag runs, and how it went: silence there is an alarm of its own."""

    def __init__(self, notify: Notify, clock: Clock) -> None:
        self._notify = notify
        self._clock = clock
        self._rid = str(uuid.uuid4())

    def start(self) -> None:
        """A run begins. What comes of this is not worth a word: the end is told all the same."""
        if self._notify.ping:
            _send(_below(self._notify.ping, "/start", self._rid), b"", self._clock, tries=1)

    def end(self, level: int, words: str, seconds: float) -> dict[str, Failure | None]:
        """How it went: a warning is a good run, as nobody is to be woken for it. What came of it, by channel."""
        found: dict[str, Failure | None] = {}
        if self._notify.ping:
            url = _below(self._notify.ping, "/fail" if level >= 2 else "", self._rid)
            found["ping"] = _send(url, words.encode()[:BODY], self._clock)
        if self._notify.kuma:
            found["kuma"] = _send(_kuma(self._notify.kuma, level, words, seconds), None, self._clock)
        return found

    def log(self, words: str) -> None:
        """Something that happened in a good run."""
        if self._notify.ping:
            _send(_below(self._notify.ping, "/log", self._rid), words.encode()[:BODY], self._clock, tries=1)


def channels(notify: Notify, clock: Clock) -> list[Channel]:
    """Those that get a message when there is something to tell, by the names of their keys."""
    found: list[Channel] = []
    if notify.webhook:
        url = notify.webhook
        found.append(("webhook", lambda message: _send(url, _as_json(message), clock, kind="application/json")))
    if notify.apprise:
        found.append(("apprise", lambda message: _apprise(notify.apprise, message)))
    return found


def _as_json(message: Message) -> bytes:
    """`text` is what Slack, Mattermost and Rocket.Chat show, `content` Discord."""
    whole = f"{message.subject}\n{message.body}"
    return json.dumps(
        {"subject": message.subject, "body": message.body, "level": message.level, "text": whole,
         "content": whole[:1900]}
    ).encode()  # fmt: skip


def _apprise(urls: tuple[str, ...], message: Message) -> Failure | None:
    try:
        import apprise
    except ImportError:
        return Failure("missing", "the library apprise is not installed")
    kinds = (apprise.NotifyType.SUCCESS, apprise.NotifyType.WARNING, apprise.NotifyType.FAILURE,
             apprise.NotifyType.WARNING)  # fmt: skip
    sender = apprise.Apprise()
    wrong = [number for number, url in enumerate(urls, 1) if not sender.add(url)]
    try:
        heard = bool(sender.notify(title=message.subject, body=message.body, notify_type=kinds[message.level]))
    except Exception as error:  # noqa: BLE001  a plug-in of a library may raise anything
        return Failure("error", type(error).__name__)
    if wrong:
        return Failure("error", f"notify.apprise[{wrong[0]}] is no address that apprise knows")
    return None if heard else Failure("error", "apprise could not deliver it")


def _send(url: str, body: bytes | None, clock: Clock, *, tries: int = TRIES, kind: str = "text/plain; charset=utf-8"
          ) -> Failure | None:  # fmt: skip
    """GET without a body, else POST. No word of ``url`` is in what comes of it."""
    from cozydiag.host import http

    headers = (("User-Agent", "cozydiag"), ("Content-Type", kind))
    failure: Failure | None = None
    for number in range(tries):
        if number:
            clock.sleep(1.0)
        answer = http.request("GET" if body is None else "POST", url, headers=headers, body=body or b"",
                              deadline=Deadline(clock, PATIENCE))  # fmt: skip
        if isinstance(answer, Failure):
            failure = Failure(answer.kind, _without(answer.detail, url))
        elif 200 <= answer.status < 300:
            return None
        else:
            failure = Failure("protocol", f"HTTP {answer.status}")
            if 400 <= answer.status < 500 and answer.status != 429:
                break  # asking again changes nothing
    return failure


def _without(words: str, url: str) -> str:
    """A failure's words without the address: it is as good as a password."""
    host = urlsplit(url).hostname or ""
    return one_line(words.replace(url, "…").replace(host, "…") if host else words, 200)


def _below(url: str, path: str, rid: str) -> str:
    parts = urlsplit(url)
    query = f"{parts.query}&rid={rid}" if parts.query else f"rid={rid}"
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path, query=query))


def _kuma(url: str, level: int, words: str, seconds: float) -> str:
    parts = urlsplit(url)
    status = "down" if level >= 2 else "up"
    message = quote(" ".join(words.split())[:_KUMA])
    return urlunsplit(parts._replace(query=f"status={status}&msg={message}&ping={seconds * 1000:.0f}"))
