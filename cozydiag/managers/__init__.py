"""The tools that own services."""
