"""The gateways' own counters, read from their pages."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from teastorm.chaos.canary import ask
from teastorm.chaos.servers import Counts, counted
from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.local.platform import LocalPlatform

PAGE = b"""# TYPE teashop_offered counter
teashop_offered_total{route="chat",criticality="sheddable_plus"} 90.0
teashop_offered_total{route="chat",criticality="sheddable"} 10.0
teashop_offered_total{route="checkout",criticality="critical"} 7.0
# TYPE teashop_answers counter
teashop_answers_total{route="chat",rung="full",status="200"} 60.0
teashop_answers_total{route="chat",rung="ticket",status="202"} 5.0
teashop_answers_total{route="chat",rung="refused",status="503"} 30.0
"""


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/metrics"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(PAGE if known else b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _platform(*addresses: str, service: str = "gateway") -> SimpleNamespace:
    targets = [
        ScrapeTarget(service=service, replica=f"{service}-{i}", url=f"http://{where}/metrics")
        for i, where in enumerate(addresses)
    ]
    return SimpleNamespace(targets=lambda: targets)


def test_chats_of_all_gateways_are_added(address: str) -> None:
    assert counted(_platform(address, address), ("chat",)) == Counts(offered=200, good=130)


def test_other_services_and_classes_do_not_count(address: str) -> None:
    assert counted(_platform(address, service="orders"), ("chat",)) == Counts()
    assert counted(_platform(address), ("checkout",)) == Counts(offered=7)


def test_a_silent_gateway_makes_the_count_incomplete(address: str) -> None:
    found = counted(_platform(address, "127.0.0.1:1"), ("chat",))
    assert found == Counts(offered=100, good=65, complete=False)


def test_a_share_needs_somebody_and_never_exceeds_one() -> None:
    assert Counts().good_share is None
    assert Counts(offered=10, good=12).good_share == 1
    assert (Counts(offered=5) - Counts(offered=9)).offered == 0


def test_a_canary_is_answered_or_not(address: str) -> None:
    assert ask(LocalPlatform(), address, 1.0).status == 404
    assert ask(LocalPlatform(), "127.0.0.1:1", 0.2).status == 0
