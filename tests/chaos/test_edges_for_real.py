"""Faults between two real services, run as processes: proved, bounded, over, and nothing lost."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Self

import pytest

from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.faults.edge_errors import EdgeErrors
from teastorm.chaos.faults.edge_latency import EdgeLatency
from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.faults.name_resolution import NameResolution
from teastorm.chaos.faults.partition import Partition
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.passages import look
from teastorm.chaos.site import LiveSite
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.faults import EdgeFaultSpec
from teastorm.platforms.local.platform import LocalPlatform

pytestmark = pytest.mark.slow  # a whole shop of processes, and faults that take their seconds

HOLD_S = 4.0
ITEM = DrinkOrder(drink=min(MENU.drinks)).to_json()
PERIOD_S = 0.1


class Customers:
    """One checkout after the other, ten a second; `acknowledged` grows while they are served."""

    def __init__(self, platform: LocalPlatform) -> None:
        self.acknowledged: list[str] = []
        self.failed: list[tuple[int, bytes]] = []
        self._endpoint = platform.endpoints("orders")[0]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        for number in itertools.count():
            if self._stop.wait(PERIOD_S):
                return
            self._check_out(number)

    def _check_out(self, number: int) -> None:
        body = {"user": f"u{number}", "shop": f"shop-{number % 4 + 1}", "items": [ITEM]}
        headers = {"Idempotency-Key": f"k{number}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self._endpoint, timeout=10.0)
        try:
            connection.request("POST", "/orders", json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == 201:
                self.acknowledged.append(json.loads(content)["order_id"])
            else:
                self.failed.append((answer.status, content))
        except OSError as error:
            self.failed.append((0, str(error).encode()))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    folder = tmp_path_factory.mktemp("edges")
    platform = LocalPlatform(state_directory=folder / "state")
    platform.deploy(ShopPlan(replicas={"orders": 1, "dispatch": 1}, run_dir=folder / "run"))
    try:
        platform.wait_ready(platform.ready_within_s)
        yield platform
    finally:
        assert not platform.tear_down()


@pytest.fixture(scope="module")
def customers(shop: LocalPlatform) -> Iterator[Customers]:
    with Customers(shop) as found:
        eventually(lambda: len(found.acknowledged) > 20 or found.failed, "customers come")
        assert not found.failed
        yield found


def eventually(done, what: str, bound_s: float = 60.0) -> None:
    end_s = time.monotonic() + bound_s
    pause = threading.Event()
    while not done():
        assert time.monotonic() < end_s, what
        pause.wait(0.2)


def handed_over(shop: LocalPlatform, customers: Customers) -> bool:
    known = {row["order_id"] for row in shop.audit()["dispatch"]["assignments"]}
    return known >= set(customers.acknowledged)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (EdgeLatency, EdgeFaultSpec(to="dispatch", kind="latency", latency_s=0.5, duration_s=20)),
        (EdgeErrors, EdgeFaultSpec(to="dispatch", kind="errors", status=500, duration_s=20)),
        (Partition, EdgeFaultSpec(to="dispatch", kind="partition", duration_s=20)),
        (Partition, EdgeFaultSpec(to="dispatch", kind="refuse", duration_s=20)),
        (NameResolution, EdgeFaultSpec(to="dispatch", kind="dns", duration_s=20)),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_checkouts_go_on_and_every_order_is_handed_over(
    shop: LocalPlatform, customers: Customers, kind: type[EdgeFault], spec: EdgeFaultSpec
) -> None:
    site = LiveSite(shop, Interruption(), time.monotonic())
    before = len(customers.acknowledged)
    fault = kind("orders", spec, partial(look, shop, "orders", "dispatch"))
    with Episode(fault, site, "edge-1") as episode:
        episode.hold(HOLD_S)
        during = len(customers.acknowledged) - before
    assert episode.record.proved, episode.record.evidence
    assert episode.record.rolled_back
    assert during > 0
    assert not customers.failed
    eventually(lambda: handed_over(shop, customers), "every acknowledged order is at dispatch")
