"""The daemon and the clients of the service's tests."""

from service.conftest import connect, daemon, shared, start
from service.test_faults import served

__all__ = ["connect", "daemon", "served", "shared", "start"]
