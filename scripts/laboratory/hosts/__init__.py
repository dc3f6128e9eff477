"""Whole servers under a booted systemd: a Cozy v2 and a Cozy v3, each with nginx, postfix and CouchDB around it."""
