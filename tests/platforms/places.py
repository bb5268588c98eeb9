"""Where a platform under test lives: folders, a fake cluster, and shops that stand for several tests."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.platforms import rbac
from tests.platforms.fake_cluster import FakeCluster

from teastorm.platforms.base import JsonObject, Platform, PlatformError, ShopPlan
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.memory import InMemoryPlatform

STANDIN = (sys.executable, "-I", "-S", str(Path(__file__).with_name("standin.py")))
PLACES = ("local", "memory", "kubernetes")
SHOP = ShopPlan(replicas={"orders": 1, "dispatch": 1, "gateway": 2})
"""What stands for several tests."""


def use_state_folder(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """A state folder for this process and those it starts, and stand-ins for services."""
    patch.setenv("TEASTORM_STATE_DIR", str(folder))
    patch.setenv("TEASTORM_SHOP_ENTRY", shlex.join(STANDIN))
    return folder


@contextmanager
def fake_cluster(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """A fake API server that a kubeconfig names `fake`, and a `helm` on PATH that talks to it.

    Whatever a test let the testbed ask of it, the chart's Roles have to grant.
    """
    fake = FakeCluster()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": f"http://{fake.address}"}}],
        "users": [{"name": "me", "user": {"token": "mine"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
    }
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    helm = folder / "bin" / "helm"
    helm.parent.mkdir()
    script = str(Path(__file__).with_name("fake_helm.py"))
    words = [sys.executable, "-I", "-S", script, fake.address]
    helm.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    helm.chmod(0o755)
    chart = folder / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: teashop\n")
    patch.setenv("KUBECONFIG", str(kubeconfig))
    patch.setenv("PATH", str(helm.parent), prepend=":")
    try:
        yield fake
    finally:
        fake.close()
    denied = rbac.beyond(fake.asked)
    assert not denied, f"the chart's Roles (templates/testbed.yaml) do not grant {denied}"


def settings_of(fake: FakeCluster, folder: Path) -> ClusterSettings:
    """How a platform is told of a fake cluster that was made in `folder`."""
    return ClusterSettings(
        context="fake",
        gateway_url=fake.address,
        chart=folder / "chart",
        kubeconfig=folder / "kubeconfig",
    )


def in_memory(folder: Path) -> InMemoryPlatform:
    audits: dict[str, JsonObject] = {"orders": {"orders": []}, "dispatch": {"orders": []}}
    return InMemoryPlatform(folder, audits=audits)


class Standing:
    """A shop that stands for several tests: whole before each of them, made anew after a failed one."""

    def __init__(self, make: Callable[[], Platform], plan: ShopPlan) -> None:
        self._make = make
        self._plan = plan
        self._platform: Platform | None = None

    @contextmanager
    def lent(self, request: pytest.FixtureRequest) -> Iterator[Platform]:
        """The shop for one test, which has to leave it as whole as it was."""
        failed_before = request.session.testsfailed
        if self._platform is None:
            self._platform = self._make()
            self._platform.deploy(self._plan)
            self._platform.wait_ready(self._platform.ready_within_s)
        platform = self._platform
        yield platform
        if request.session.testsfailed > failed_before:
            self.close()
            return
        try:
            platform.wait_ready(platform.ready_within_s)
            left = {s: len(platform.endpoints(s)) for s in self._plan.replicas}
            assert left == self._plan.replicas, "the test did not leave the shop as it was"
        except (PlatformError, AssertionError):
            self.close()
            raise

    def close(self) -> None:
        """End it; nothing may be left."""
        platform, self._platform = self._platform, None
        assert platform is None or not platform.tear_down()
