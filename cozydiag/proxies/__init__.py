"""The reverse proxies in front of a stack."""
