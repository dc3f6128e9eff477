"""A real small Cozy v2 on loopback ports, without root: real supervisord and nginx, stand-ins for the rest.

For the demo and for the tests: a folder that holds everything, faults by name (`sandbox.faults`), and nothing
left behind.
"""

from cozydiag.sandbox.error import SandboxError
from cozydiag.sandbox.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxError"]
