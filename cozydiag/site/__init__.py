"""What stands between people and a site: its name, its certificate, the other ports, a firewall.

Imported only where there is something to look at: a site without TLS on this machine alone needs none of it.
"""
