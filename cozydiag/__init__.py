"""cozydiag: which one thing is broken on a self-hosted server, why, and what to do."""

__version__ = "0.1.0"
