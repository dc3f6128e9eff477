"""A machine that is known from text alone: what `collect.sh` printed there, and the checks run on that here.

`grammar` cuts the text into sections, `tables` makes of them what a machine is, `host` answers checks from these tables
and from nothing of the machine that it runs on, `reading` runs the checks.
"""
