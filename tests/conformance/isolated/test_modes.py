"""Each stream mode, whether a graph has a loop of its own or not."""

from tests.conformance.test_modes import *  # noqa: F403  the same cases
