"""HTTP/1.1 for the generator's hot path: gevent sockets, keep-alive, geventhttpclient's C parser.

Requests arrive as finished bytes and answers leave as a status, a header dictionary and a body:
geventhttpclient's own client validates and merges headers for each request, which costs more
than everything else here together. Runs in one gevent hub; not for other threads.
"""

from __future__ import annotations

import select as _select
import socket as _constants
import time
from typing import Protocol

from gevent import monkey, socket
from geventhttpclient.response import HTTPParseError, HTTPResponseParser

_poll = monkey.get_original("select", "poll")  # the patched one would visit the hub
_IDLE_MAX = 2048
_NAME_HOLDS_S = 1.0  # a name that leads nowhere is looked up anew after this
_Address = tuple[int, tuple[str | int, ...]]


class Wire(Protocol):
    """What an exchange needs of a connection pool."""

    def exchange(self, request: bytes, timeout_s: float) -> Reply:
        """Send and wait for the whole answer; never raises for what the network does."""
        ...


class Reply(HTTPResponseParser):  # type: ignore[misc]  # the parser is a C type without stubs
    """One answer, filled by the parser. `error` is empty, timeout, connection or protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.error = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        self.heard = False
        self._field = ""
        self._value: str | None = None

    @property
    def status(self) -> int:
        """The status of a complete answer, else 0."""
        return int(self.get_code()) if self.complete and not self.error else 0

    def _on_header_field(self, text: str) -> None:
        if self._value is None:
            self._field += text
        else:
            self.headers[self._field.lower()] = self._value
            self._field, self._value = text, None

    def _on_header_value(self, text: str) -> None:
        self._value = text if self._value is None else self._value + text

    def _on_headers_complete(self) -> None:
        if self._value is not None:
            self.headers[self._field.lower()] = self._value

    def _on_body(self, data: bytes) -> None:
        self.body += bytes(data)

    def _on_message_begin(self) -> None:
        self.heard = True

    def _on_status(self, text: str) -> None:
        """The reason phrase says nothing."""

    def _on_message_complete(self) -> None:
        self.complete = True


def failed(error: str) -> Reply:
    """A reply that never came."""
    reply = Reply()
    reply.error = error
    return reply


class Pool:
    """Keep-alive connections to one `host:port`; as many as are asked for at once."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        self.endpoint = endpoint
        self._host, self._port = host.strip("[]"), int(port)
        self._found: _Address | None = None
        self._asked_s = 0.0
        self._idle: list[tuple[socket.socket, _select.poll]] = []
        self._closed = False

    def exchange(self, request: bytes, timeout_s: float) -> Reply:
        """Send and wait for the whole answer; never raises for what the network does."""
        ends_s = time.monotonic() + timeout_s
        reply = Reply()
        connection = None
        try:
            connection = self._take(timeout_s)
            sock = connection[0]
            sock.settimeout(max(0.001, ends_s - time.monotonic()))
            sock.sendall(request)
            while not reply.complete:
                left_s = ends_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError  # noqa: TRY301 - one place decides what a time-out means
                sock.settimeout(left_s)
                data = sock.recv(65536)
                if not data:
                    reply.error = "connection"
                    break
                reply.feed(data)
        except TimeoutError:
            reply.error = "timeout"
        except OSError:
            reply.error = "connection"
        except HTTPParseError:
            reply.error = "protocol"
        finally:
            # Also on the way out of a killed greenlet: no connection with half an answer is kept.
            if connection:
                self._give_back(connection, keep=reply.complete and not reply.error, reply=reply)
        return reply

    def close(self) -> None:
        """Close idle connections; those in use close when their answer is there."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].close()

    def _take(self, timeout_s: float) -> tuple[socket.socket, _select.poll]:
        while self._idle:
            connection = self._idle.pop()
            if not connection[1].poll(0):
                return connection
            connection[0].close()  # readable while idle: the server closed it
        family, address = self._found or self._look_up()
        sock = socket.socket(family, _constants.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            sock.setsockopt(_constants.IPPROTO_TCP, _constants.TCP_NODELAY, 1)
            sock.connect(address)
        except BaseException:
            sock.close()
            if time.monotonic() - self._asked_s > _NAME_HOLDS_S:
                self._found = None
            raise
        poll = _poll()
        poll.register(sock.fileno(), _select.POLLIN)
        return sock, poll

    def _look_up(self) -> _Address:
        """Where the endpoint's name leads now.

        Not once a connection: a cluster's resolver asks half a dozen questions for a name, and the
        whole generator waits for the answers.
        """
        found = socket.getaddrinfo(self._host, self._port, type=_constants.SOCK_STREAM)
        # localhost is both, and who listens there mostly does so on the older one.
        first = min(found, key=lambda one: one[0] != _constants.AF_INET)
        self._found, self._asked_s = (int(first[0]), first[4]), time.monotonic()
        return self._found

    def _give_back(
        self, connection: tuple[socket.socket, _select.poll], *, keep: bool, reply: Reply
    ) -> None:
        wanted = keep and not self._closed and len(self._idle) < _IDLE_MAX
        if wanted and reply.should_keep_alive():
            self._idle.append(connection)
        else:
            connection[0].close()
