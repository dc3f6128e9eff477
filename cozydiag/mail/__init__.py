"""Where this server's mail goes, and what waits to go there."""
