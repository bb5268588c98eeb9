"""Both ends' counts, read from the pages of callers and callees."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from teastorm.chaos.passages import Passage, Sent, look
from teastorm.observe.target import ScrapeTarget

CALLER = b"""# TYPE teashop_attempts counter
teashop_attempts_total{outcome="ok",target="dispatch"} 7.0
teashop_attempts_total{outcome="connect",target="dispatch"} 2.0
teashop_attempts_total{outcome="ok",target="elsewhere"} 70.0
teashop_attempt_seconds_bucket{le="0.1",target="dispatch"} 9.0
teashop_attempt_seconds_sum{target="dispatch"} 4.5
teashop_attempt_seconds_count{target="dispatch"} 9.0
teashop_lookups_total{outcome="failed",target="dispatch"} 3.0
teashop_edge_faults 1.0
teashop_arrived_total 99.0
"""
CALLEE = b"teashop_arrived_total 7.0\nteashop_arrived_created 1.7e9\n"


@pytest.fixture
def pages() -> Iterator[Callable[[bytes], str]]:
    servers = []

    def serve(page: bytes) -> str:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/metrics"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def platform_of(**urls: str) -> SimpleNamespace:
    targets = [
        ScrapeTarget(service=name.partition("_")[0], replica=name, url=url)
        for name, url in urls.items()
    ]
    return SimpleNamespace(targets=lambda: targets)


def test_both_ends_are_read_from_their_pages(pages) -> None:
    caller, callee = pages(CALLER), pages(CALLEE)
    found = look(
        platform_of(orders_1=caller, dispatch_1=callee, dispatch_2=callee), "orders", "dispatch"
    )
    assert found == Passage(
        callers={
            "orders_1": Sent(
                attempts={"ok": 7.0, "connect": 2.0},
                seconds=4.5,
                timed=9.0,
                lookups={"failed": 3.0},
                faults=1.0,
            )
        },
        arrived={"dispatch_1": 7.0, "dispatch_2": 7.0},
    )
    assert (found.mean_s, found.attempts(), found.attempts("connect")) == (0.5, 9.0, 2.0)
    one = look(
        platform_of(orders_1=caller, dispatch_1=callee, dispatch_2=callee),
        "orders",
        "dispatch",
        "dispatch_2",
    )
    assert set(one.arrived) == {"dispatch_2"}


def test_a_page_that_is_not_shown_spoils_the_look(pages) -> None:
    caller = pages(CALLER)
    assert (
        look(platform_of(orders_1=caller, dispatch_1="http://127.0.0.1:1/"), "orders", "dispatch")
        is None
    )
    assert look(platform_of(orders_1=caller), "orders", "dispatch") is None


def test_a_replica_that_came_meanwhile_or_began_anew_adds_nothing() -> None:
    earlier = Passage(callers={"a": Sent(attempts={"ok": 5.0})}, arrived={"x": 9.0})
    later = Passage(
        callers={"a": Sent(attempts={"ok": 7.0, "lost": 1.0}), "b": Sent(attempts={"ok": 50.0})},
        arrived={"x": 2.0, "y": 40.0},
    )
    since = later.since(earlier)
    assert (since.attempts("ok"), since.attempts("lost")) == (2.0, 1.0)
    assert since.arrived == {"x": 0.0}
