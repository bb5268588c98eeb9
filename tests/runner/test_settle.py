"""Asking again with the same key settles what a client never learnt."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from teastorm.runner.settle import Unknown, settle, unknown_outcomes


def _row(key: str, status: int, **over: object) -> dict:
    row = {
        "request_id": f"r-{key}",
        "key": key,
        "user": "u1",
        "class": "checkout",
        "attempt": 1,
        "status": status,
        "reason": "",
        "final": True,
    }
    return row | over


def test_only_unexplained_checkouts_are_unknown(tmp_path: Path) -> None:
    rows = [
        _row("acknowledged", 201),
        _row("silent", 0),
        _row("broken", 500),
        _row("shed", 503, reason="limit"),
        _row("refused", 409),
        _row("silent-then-shed", 0, final=False),
        _row("silent-then-shed", 503, attempt=2, reason="limit"),
        _row("silent-then-placed", 0, final=False),
        _row("silent-then-placed", 201, attempt=2),
        _row("unsent", 0, attempt=0),
        _row("chat", 0, **{"class": "chat"}),
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "requests.parquet")
    found = {one.key for one in unknown_outcomes(tmp_path / "requests.parquet")}
    assert found == {"silent", "broken", "silent-then-shed"}


class Orders(BaseHTTPRequestHandler):
    """Places an order once a key, whatever is asked how often."""

    def do_POST(self) -> None:
        key = self.headers["Idempotency-Key"]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((key, body))
        self.send_response(409 if key == "gone" else 201)
        self.end_headers()
        self.wfile.write(json.dumps({"order_id": f"order-of-{key}"}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _unknown(key: str) -> Unknown:
    return Unknown(request_id=f"r-{key}", key=key, user="u1")


def test_the_same_body_goes_out_under_the_same_key(shop: ThreadingHTTPServer) -> None:
    gateways = [f"127.0.0.1:{shop.server_port}"]
    bodies = {"k1": b'{"shop": "shop-1"}', "gone": b"{}"}
    one, gone = settle([_unknown("k1"), _unknown("gone")], bodies, gateways)
    assert (one.status, one.order_id, one.request_id) == (201, "order-of-k1", "r-k1")
    assert (gone.status, gone.order_id) == (409, "")
    assert ("k1", {"shop": "shop-1"}) in shop.seen


def test_without_a_gateway_or_a_body_it_stays_unknown(shop: ThreadingHTTPServer) -> None:
    assert settle([_unknown("k1")], {"k1": b"{}"}, [])[0].status == 0
    assert settle([_unknown("k1")], {}, [f"127.0.0.1:{shop.server_port}"])[0].status == 0
    assert shop.seen == []
