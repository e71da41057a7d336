"""These tests need the local cloud for themselves."""

from tests.local_cloud.conftest import deployed

__all__ = ["deployed"]
