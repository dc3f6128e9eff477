"""Finds the checks, runs them in the order of their needs, and tells causes from consequences."""
