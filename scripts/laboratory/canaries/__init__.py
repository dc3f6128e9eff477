"""Secrets planted wherever a server has them: no command may show one, in any form, whatever is broken."""
