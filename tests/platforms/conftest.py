"""The platforms under test, and how a test lets time pass on each."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.platforms.fake_cluster import FakeCluster
from tests.platforms.places import (
    PLACES,
    SHOP,
    Standing,
    fake_cluster,
    in_memory,
    settings_of,
    use_state_folder,
)
from tests.waiting import until as until_real

from teastorm.platforms.base import Platform
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.state import StateFile
from teastorm.platforms.memory import InMemoryPlatform

type Until = Callable[[Callable[[], bool], str], None]


@pytest.fixture
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, for this process and those it starts."""
    return use_state_folder(tmp_path / "state", monkeypatch)


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
    return in_memory(tmp_path)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """A fake API server that a kubeconfig names `fake`, and a `helm` on PATH that talks to it."""
    with fake_cluster(tmp_path, monkeypatch) as fake:
        yield fake


@pytest.fixture
def cluster_settings(cluster: FakeCluster, tmp_path: Path) -> ClusterSettings:
    return settings_of(cluster, tmp_path)


@pytest.fixture
def kubernetes(cluster_settings: ClusterSettings) -> Iterator[KubernetesPlatform]:
    platform = KubernetesPlatform(cluster_settings)
    yield platform
    assert not platform.tear_down()


@pytest.fixture(params=PLACES)
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module", params=PLACES)
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    """A shop of `SHOP` on each platform."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        match request.param:
            case "local":
                use_state_folder(folder / "state", patch)
                shop = Standing(lambda: LocalPlatform(drain_s=2.0), SHOP)
            case "memory":
                shop = Standing(lambda: in_memory(folder), SHOP)
            case _:
                settings = settings_of(stack.enter_context(fake_cluster(folder, patch)), folder)
                shop = Standing(lambda: KubernetesPlatform(settings), SHOP)
        yield shop
        shop.close()


@pytest.fixture
def shop(standing: Standing, request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A deployed shop that other tests of the module use too."""
    with standing.lent(request) as platform:
        yield platform


@pytest.fixture
def until(request: pytest.FixtureRequest) -> Until:
    """Let time pass until something is so: real time, or the in-memory platform's own."""
    name = "shop" if "shop" in request.fixturenames else "platform"
    platform = request.getfixturevalue(name)
    if not isinstance(platform, InMemoryPlatform):
        return until_real

    def until_virtual(done: Callable[[], bool], what: str) -> None:
        for _ in range(300):
            if done():
                return
            platform.advance(0.05)
        pytest.fail(f"not within 15 virtual seconds: {what}")

    return until_virtual
