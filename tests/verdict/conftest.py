"""Runs to be doctored and judged: one that holds, one that collapses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.verdict.world import World
from tests.verdict.world_evidence import build


@pytest.fixture(scope="session")
def _protected() -> World:
    return build(protected=True)


@pytest.fixture(scope="session")
def _unprotected() -> World:
    return build(protected=False)


@pytest.fixture
def protected(_protected: World) -> World:
    """A run that holds; each test has its own to doctor."""
    return _protected.copy()


@pytest.fixture
def unprotected(_unprotected: World) -> World:
    """A run that collapses and never recovers."""
    return _unprotected.copy()


@pytest.fixture
def status_of(tmp_path: Path) -> Callable[[World, str], str]:
    """Judge a doctored world and give one check's status; it must not have come out as held."""

    def look(world: World, check_id: str) -> str:
        result = world.judge(tmp_path / "run")
        assert result.exit_code != 0, f"{check_id}: the doctored run held"
        return str(next(check.status for check in result.checks if check.id == check_id))

    return look
