"""Repair: what a restart can mend, through the tool that owns it, proven afterwards."""
