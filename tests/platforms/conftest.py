"""The platforms under test, and how a test lets time pass on each."""

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.platforms.fake_cluster import FakeCluster

from teastorm.platforms.base import JsonObject, Platform
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.state import StateFile
from teastorm.platforms.memory import InMemoryPlatform

STANDIN = (sys.executable, str(Path(__file__).with_name("standin.py")))
type Until = Callable[[Callable[[], bool], str], None]


def until_real(done: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    """Poll with a bound."""
    end_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while not done():
        if time.monotonic() > end_s:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        pause.wait(0.02)


@pytest.fixture
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, for this process and those it starts."""
    folder = tmp_path / "state"
    monkeypatch.setenv("TEASTORM_STATE_DIR", str(folder))
    monkeypatch.setenv("TEASTORM_SHOP_ENTRY", shlex.join(STANDIN))
    return folder


@pytest.fixture
def state_file(state_directory: Path) -> StateFile:
    return StateFile(state_directory)


@pytest.fixture
def local(state_directory: Path) -> Iterator[LocalPlatform]:
    platform = LocalPlatform(drain_s=2.0)
    yield platform
    assert not platform.tear_down()


@pytest.fixture
def memory(tmp_path: Path) -> InMemoryPlatform:
    audits: dict[str, JsonObject] = {"orders": {"orders": []}, "dispatch": {"orders": []}}
    return InMemoryPlatform(tmp_path, audits=audits)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """A fake API server that a kubeconfig names `fake`, and a `helm` on PATH that talks to it."""
    fake = FakeCluster()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": f"http://{fake.address}"}}],
        "users": [{"name": "me", "user": {"token": "mine"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    helm = tmp_path / "bin" / "helm"
    helm.parent.mkdir()
    script = Path(__file__).with_name("fake_helm.py")
    helm.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(script)])} "$@"\n')
    helm.chmod(0o755)
    chart = tmp_path / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: teashop\n")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("FAKE_CLUSTER", fake.address)
    monkeypatch.setenv("PATH", f"{helm.parent}:{os.environ['PATH']}")
    yield fake
    fake.close()


@pytest.fixture
def cluster_settings(cluster: FakeCluster, tmp_path: Path) -> ClusterSettings:
    return ClusterSettings(
        context="fake",
        gateway_url=cluster.address,
        chart=tmp_path / "chart",
        kubeconfig=tmp_path / "kubeconfig",
    )


@pytest.fixture
def kubernetes(cluster_settings: ClusterSettings) -> Iterator[KubernetesPlatform]:
    platform = KubernetesPlatform(cluster_settings)
    yield platform
    assert not platform.tear_down()


@pytest.fixture(params=["local", "memory", "kubernetes"])
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def until(platform: Platform) -> Until:
    """Let time pass until something is so: real time, or the in-memory platform's own."""
    if not isinstance(platform, InMemoryPlatform):
        return until_real

    def until_virtual(done: Callable[[], bool], what: str) -> None:
        for _ in range(300):
            if done():
                return
            platform.advance(0.05)
        pytest.fail(f"not within 15 virtual seconds: {what}")

    return until_virtual
