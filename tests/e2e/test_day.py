"""The day itself on a cluster, in ten minutes an arm: the same file, with protections and without."""

from __future__ import annotations

import pytest
from tests.e2e.conftest import Tool

pytestmark = pytest.mark.slow

DAY = "milk-tea-day-12x"
RUN_LIMIT_S = 1200


def test_the_day_is_survived_with_protections_and_not_without(tool: Tool) -> None:
    protected = tool.run(DAY, "--arm", "protected", limit_s=RUN_LIMIT_S)
    assert (protected.code, protected.not_passed()) == (0, {})
    unprotected = tool.run(DAY, "--arm", "unprotected", limit_s=RUN_LIMIT_S)
    assert unprotected.code == 1
    assert unprotected.failed() & {"goodput-retention", "recovery-time", "recovery-held"}
