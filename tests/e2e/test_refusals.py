"""What a real cluster refuses, each in one sentence with exit code 3."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.e2e.conftest import Tool, write_kubeconfig

from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings

ONE = ShopPlan(replicas={"gateway": 1})
SOON_S = 30.0


def refused(settings: ClusterSettings) -> PlatformError:
    platform = KubernetesPlatform(settings)
    with pytest.raises(PlatformError) as error:
        platform.deploy(ONE)
    assert "\n" not in error.value.sentence
    assert not platform.tear_down()
    return error.value


def test_an_image_that_is_not_there_is_named_within_seconds(
    settings: ClusterSettings, tmp_path: Path
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"image": {"repository": "nobody.invalid/shop", "tag": "0"}}))
    platform = KubernetesPlatform(replace(settings, values=(*settings.values, values)))
    try:
        platform.deploy(ONE)
        began = time.monotonic()
        with pytest.raises(PlatformError, match=r"ImagePullBackOff of image nobody\.invalid"):
            platform.wait_ready(600)
        assert time.monotonic() - began < SOON_S
    finally:
        assert not platform.tear_down()


def test_a_namespace_that_is_not_ours_is_refused_and_untouched(
    settings: ClusterSettings, api: Api
) -> None:
    name = "teastorm-not-ours"
    api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        error = refused(replace(settings, namespace=name))
        assert (error.exit_code, "is not ours" in error.sentence) == (3, True)
        assert "deletionTimestamp" not in api.get(path_of(name))["metadata"]
    finally:
        api.delete(path_of(name))


def test_credentials_that_are_not_known_are_refused(
    settings: ClusterSettings, api: Api, tmp_path: Path
) -> None:
    """A client without a certificate and with a token that nobody issued."""
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, api, context="stale", token="expired")
    error = refused(replace(settings, context="stale", kubeconfig=path))
    assert error.exit_code == 3
    assert "credentials are expired or not known" in error.sentence


def test_restricted_pod_security_is_enforced_and_all_pods_run(settings: ClusterSettings) -> None:
    platform = KubernetesPlatform(settings)
    try:
        platform.deploy(ShopPlan(replicas=dict.fromkeys(ShopPlan().replicas, 1)))
        platform.wait_ready(platform.ready_within_s)
        api = connect(settings)
        labels = api.get(path_of(settings.namespace))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert len(platform.replicas()) == 4
    finally:
        assert not platform.tear_down()


def test_two_runs_in_one_namespace_are_refused(settings: ClusterSettings, tool: Tool) -> None:
    platform = KubernetesPlatform(settings)
    try:
        platform.deploy(ONE)
        done = tool("run", "below-capacity", "--json")
        assert done.returncode == 3
        assert "another run holds namespace" in json.loads(done.stdout)["error"]
        platform.wait_ready(platform.ready_within_s)
    finally:
        assert not platform.tear_down()
