"""The small programs of the sandbox: stand-ins for the parts of a Cozy v2 and for CouchDB."""
