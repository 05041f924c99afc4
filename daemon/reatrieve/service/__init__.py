"""The daemon: clients in, sessions at work, everything journalled. ``serve`` runs it until it is told to stop."""

from reatrieve.service.run import serve
from reatrieve.service.service import Service, running

__all__ = ["Service", "running", "serve"]
