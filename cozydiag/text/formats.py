"""Numbers in words: shares, sizes, durations and points in time, as a reader of each language writes them."""

from __future__ import annotations

import math
import time

from cozydiag.text import Bytes, Percent, Seconds, When

_NO_BREAK = "\u00a0"
_SIZES = {"en": ("B", "kB", "MB", "GB", "TB", "PB"), "fr": ("o", "ko", "Mo", "Go", "To", "Po")}
_DAYS = {"en": "d", "fr": "j"}


def number_words(number: float, language: str, now: float | None = None) -> str:
    """``number`` in words of ``language`` by its type; a plain number (a port, a PID) as it is. Never raises."""
    try:
        if isinstance(number, Percent):
            return _percent(number, language)
        if isinstance(number, Bytes):
            return _size(number, language)
        if isinstance(number, Seconds):
            return _duration(number, language)
        if isinstance(number, When):
            return _when(number, now)
    except (ValueError, OverflowError, OSError):  # not a number, infinite, or a year no calendar has
        pass
    return str(number)


def _percent(share: float, language: str) -> str:
    whole = round(share)
    if (whole == 100 and share < 100) or (whole == 0 and share > 0):  # full and empty are said only of what is
        digits = _decimal(max(0.1, math.floor(share * 10) / 10), language)
    else:
        digits = str(whole)
    return digits + (f"{_NO_BREAK}%" if language == "fr" else "%")


def _size(size: int, language: str) -> str:
    value, step, units = float(abs(size)), 0, _SIZES[language]
    while round(value) >= 1000 and step < len(units) - 1:
        value, step = value / 1000, step + 1
    digits = _decimal(value, language) if step and value < 9.95 else str(round(value))
    return f"{'-' if size < 0 else ''}{digits}{_space(language)}{units[step]}"


def _duration(seconds: float, language: str) -> str:
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if seconds < 9.95:
        return f"{sign}{_decimal(seconds, language, 1 if seconds >= 1 else 2)}{_space(language)}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, _DAYS[language]), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    shown = [f"{count}{_space(language)}{unit}" for count, unit in parts[first : first + 2] if count]
    return sign + _space(language).join(shown)


def _when(moment: float, now: float | None) -> str:
    local, today = time.localtime(moment), time.localtime(now)
    same_day = local[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S", local)


def _decimal(value: float, language: str, places: int = 1) -> str:
    digits = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return digits.replace(".", ",") if language == "fr" else digits


def _space(language: str) -> str:
    return _NO_BREAK if language == "fr" else " "
