"""A run without processes: the in-memory platform, its virtual clock, and faults beside them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.platforms.conftest import cluster, cluster_settings  # noqa: F401 - fixtures

from teastorm.chaos.faults.base import Identity
from teastorm.platforms.base import Replica, ShopPlan
from teastorm.platforms.memory import InMemoryPlatform


class StillSite:
    """`Site` over an in-memory platform: waiting moves its clock, and takes no time."""

    def __init__(self, platform: InMemoryPlatform) -> None:
        self.platform = platform
        self.interrupted = False
        self.shields = 0
        self.notes: list[dict] = []

    def now_s(self) -> float:
        return self.platform.now_s

    def wait(self, seconds: float) -> bool:
        self.platform.advance(seconds)
        return self.interrupted

    def pause(self, seconds: float) -> None:
        self.platform.advance(seconds)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        self.shields += 1
        yield

    def note(self, kind: str, **fields: object) -> None:
        self.notes.append({"kind": kind, **fields})

    def identities(self, service: str) -> list[Identity]:
        return [_identity(r) for r in self.platform.replicas(service)]

    def ready_identities(self, service: str) -> list[Identity]:
        listed = json.loads(self.platform.endpoints_file.read_text()).get(service, [])
        return [
            _identity(r)
            for r in self.platform.replicas(service)
            if r.ready and r.endpoint in listed
        ]

    def still_running(self, identity: Identity) -> bool:
        return any(_identity(r) == identity for r in self.platform.replicas())


def _identity(replica: Replica) -> Identity:
    return Identity(replica=replica.replica_id, pid=replica.pid, started=replica.started_unix_s)


type MakeSite = Callable[[InMemoryPlatform], StillSite]


@pytest.fixture
def make_site() -> MakeSite:
    def make(platform: InMemoryPlatform) -> StillSite:
        platform.deploy(ShopPlan())
        platform.wait_ready(10)
        return StillSite(platform)

    return make


@pytest.fixture
def site(tmp_path: Path, make_site: MakeSite) -> StillSite:
    return make_site(InMemoryPlatform(tmp_path))
