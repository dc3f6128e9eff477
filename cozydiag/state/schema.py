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
    (
        "CREATE TABLE pictures (id INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, data TEXT NOT NULL)",
        """CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, until REAL NOT NULL,
                              n INTEGER NOT NULL, seconds REAL NOT NULL, slow TEXT, picture INTEGER NOT NULL,
                              surroundings INTEGER NOT NULL, boot TEXT NOT NULL)""",
        "CREATE TABLE samples (name TEXT, at REAL, value REAL NOT NULL, PRIMARY KEY (name, at)) WITHOUT ROWID",
    ),
)
"""The statements of each step; a file's ``user_version`` counts the steps it has taken."""
