"""Load from inside the cluster: Locust's master and workers as jobs; the same log, the same verdict.

The first needs the jobs' image on the nodes: make kind-jobs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.e2e.conftest import Tool
from tests.platforms.test_load_inside import inside

from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
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


def test_pods_that_a_quota_refuses_are_told_in_the_servers_words(
    kubernetes: KubernetesPlatform, api: Api, settings: ClusterSettings, tmp_path: Path
) -> None:
    kubernetes.deploy(ShopPlan(replicas={"gateway": 1}))
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    api.post(f"{path_of(settings.namespace)}/resourcequotas", quota)
    plan = replace(inside(), namespace=settings.namespace, release=settings.release)
    with pytest.raises(LoadDidNotStart, match=r"teastorm-load-\w+.* is forbidden: .*quota: full"):
        InsideLoad(api, plan, tmp_path).start()
