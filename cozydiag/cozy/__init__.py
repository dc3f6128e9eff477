"""The two stacks of a Cozy: what is here and at which addresses (`discovery`), v2's parts and apps, v3's cozy-stack.

Imported only where one of them is here, or where nothing is configured.
"""
