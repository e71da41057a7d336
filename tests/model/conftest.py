"""These tests need the local cloud for themselves."""

import tests.no_stopwatch  # noqa: F401 - its import is all that is wanted
from tests.local_cloud.conftest import deployed

__all__ = ["deployed"]
