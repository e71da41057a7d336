"""These tests break the local cloud that all others work on: they run by themselves, in a row."""

from tests.local_cloud.conftest import deployed

__all__ = ["deployed"]
