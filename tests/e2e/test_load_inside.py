"""Load from inside the cluster: Locust's master and workers as jobs; the same log, the same verdict.

Needs the jobs' image on the nodes: make kind-jobs.
"""

from __future__ import annotations

import pytest
from pyarrow import parquet
from tests.e2e.conftest import Tool

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.settings import ClusterSettings

pytestmark = pytest.mark.slow


def test_below_its_capacity_the_shop_holds_under_load_from_inside(
    tool: Tool, api: Api, settings: ClusterSettings
) -> None:
    ran = tool.run("below-capacity", "--load-workers", "2")
    assert (ran.code, ran.not_passed()) == (0, {})
    requests = parquet.read_table(ran.folder / "requests.parquet")
    assert requests.num_rows > 1000
    assert ran.result["load"]["workers"] == 2
    space = f"/apis/batch/v1/namespaces/{settings.namespace}/jobs"
    assert not api.get(space).get("items")
