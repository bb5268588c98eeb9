"""The generator's connections: names are looked up once, and again when they lead nowhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from teastorm.load import wire

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class _Closes(BaseHTTPRequestHandler):
    """HTTP/1.0: a connection a request."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Closes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up, each of which is this machine."""
    names: list[str] = []

    def look_up(host: str, port: int, **_: object) -> list[tuple]:
        names.append(host)
        families = {socket.AF_INET6: ("::1", port, 0, 0), socket.AF_INET: ("127.0.0.1", port)}
        return [(family, socket.SOCK_STREAM, 6, "", to) for family, to in families.items()]

    monkeypatch.setattr(wire.socket, "getaddrinfo", look_up)
    return names


def test_a_name_is_looked_up_once_however_many_connections_it_takes(port, asked):
    pool = wire.Pool(f"front.shop.svc:{port}")
    assert [pool.exchange(REQUEST, 5.0).status for _ in range(3)] == [204] * 3
    assert asked == ["front.shop.svc"]


def test_where_nobody_answers_any_more_the_name_is_asked_again(port, asked, monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(wire.time, "monotonic", lambda: now_s[0])
    pool = wire.Pool("front.shop.svc:1")
    assert pool.exchange(REQUEST, 5.0).error == "connection"
    assert pool.exchange(REQUEST, 5.0).error == "connection"
    assert len(asked) == 1  # not in a storm of refusals
    now_s[0] += 1.5
    assert pool.exchange(REQUEST, 5.0).error == "connection"
    assert pool.exchange(REQUEST, 5.0).error == "connection"
    assert len(asked) == 2


def test_a_name_that_is_not_known_is_a_connection_that_failed(monkeypatch):
    def unknown(*_: object, **__: object) -> list[tuple]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(wire.socket, "getaddrinfo", unknown)
    assert wire.Pool("nowhere.invalid:80").exchange(REQUEST, 5.0).error == "connection"


def test_addresses_of_either_family_are_reached(port):
    assert wire.Pool(f"127.0.0.1:{port}").exchange(REQUEST, 5.0).status == 204
    with socket.socket(socket.AF_INET6) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            return  # a machine without it
        listening.listen()
        threading.Thread(target=_answer_one, args=(listening,)).start()
        to = listening.getsockname()[1]
        assert wire.Pool(f"[::1]:{to}").exchange(REQUEST, 5.0).status == 204


def _answer_one(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
