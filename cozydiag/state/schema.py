"""The tables of the state, as the steps that lead to them. Steps are only ever added: old files exist."""

from __future__ import annotations

MIGRATIONS = (
    (
        "CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL,
                                 data TEXT NOT NULL, result TEXT)""",
        "CREATE INDEX journal_by_time ON journal (at)",
    ),
    (
        "CREATE INDEX journal_by_kind ON journal (kind, id)",
        "CREATE TABLE services (address TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
    ),
)
"""The statements of each step; a file's ``user_version`` counts the steps it has taken."""
