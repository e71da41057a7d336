"""Imported where tests use Hypothesis, which takes a second to load: no test has a stopwatch.

Machines are shared and busy.
"""

from hypothesis import settings

settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")
