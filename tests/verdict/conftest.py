"""Runs to be doctored and judged: one that holds, one that collapses."""

from __future__ import annotations

import pytest
from tests.verdict.world import World
from tests.verdict.world_evidence import build


@pytest.fixture(scope="session")
def _protected() -> World:
    return build(protected=True).keep_tables()


@pytest.fixture(scope="session")
def _unprotected() -> World:
    return build(protected=False).keep_tables()


@pytest.fixture
def protected(_protected: World) -> World:
    """A run that holds; each test has its own to doctor."""
    return _protected.copy()


@pytest.fixture
def unprotected(_unprotected: World) -> World:
    """A run that collapses and never recovers."""
    return _unprotected.copy()
