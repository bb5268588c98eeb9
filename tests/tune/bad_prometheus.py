"""A server that misbehaves in one way at a time: each connection gets the next of its scripts."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

type Script = Callable[[socket.socket], None]

# Signed by nobody, for 127.0.0.1, from 2020 to 2120; the key guards nothing but these tests.
_CERTIFICATE = (
    "MIIBbTCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwIBcNMjAwMTAxMDAwMDAw"
    "WhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA"
    "BCBtPQ6WIN+QhiH9a1AcmVhCG5c/mZfXUMa72YOUTl3sum1cVvj9wmLqsPBkNlrY43Tx1flEZGm7EdQUy0J+sHSj"
    "UzBRMA8GA1UdEQQIMAaHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAoQwHQYDVR0OBBYEFK83"
    "EXOW2E2so+cwhtGf2V7O2Bb1MAoGCCqGSM49BAMCA0kAMEYCIQDVh5rnVdBsPP7+4qeh/x91sD6A7HZochwXA6c9"
    "wCUbDQIhAJz7lXc4jNu2a0Y+OckKjApKLWjEnOSWyuP/dgoWHrQy"
)
_KEY = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRRBrMzN1nSQ6kL7axwFHede7Z2rb82CAc5nfeJGL"
    "5UqhRANCAAQgbT0OliDfkIYh/WtQHJlYQhuXP5mX11DGu9mDlE5d7LptXFb4/cJi6rDwZDZa2ON08dX5RGRpuxHU"
    "FMtCfrB0"
)


def answer(
    body: bytes | str, *, status: str = "200 OK", headers: tuple[str, ...] = (), claims: int = 0
) -> Script:
    """A whole answer; `claims` bytes more are promised than come."""
    content = body.encode() if isinstance(body, str) else body
    lines = (f"HTTP/1.1 {status}", *headers, "Connection: close")
    length = f"Content-Length: {len(content) + claims}"
    head = "\r\n".join((*lines, length, "", "")).encode()

    def script(connection: socket.socket) -> None:
        connection.sendall(head + content)

    return script


def endless(connection: socket.socket) -> None:
    """A flood that ends when the reader has left."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b'{"status":"success')
    while True:
        connection.sendall(b" " * 65536)


def trickle(left: threading.Event) -> Script:
    """A byte of the head now and then, until `left` is set."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not left.wait(0.05):
            connection.sendall(b"z")

    return script


def signed_by_nobody(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """The certificate's file, written to `folder`, and what a server needs to show it."""
    certificate, both = folder / "self.pem", folder / "both.pem"
    certificate.write_text(_pem("CERTIFICATE", _CERTIFICATE))
    both.write_text(_pem("PRIVATE KEY", _KEY) + _pem("CERTIFICATE", _CERTIFICATE))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(both)
    return certificate, tls


def _pem(what: str, base64: str) -> str:
    return f"-----BEGIN {what}-----\n{base64}\n-----END {what}-----\n"


def hang_up(connection: socket.socket) -> None:
    """Not a word."""
    connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """The server's URL, and the heads of the requests it got; the last script is played again."""
    heads: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for number in range(1000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            script = scripts[min(number, len(scripts) - 1)]
            with contextlib.suppress(OSError), connection:
                connection.settimeout(20)
                with tls.wrap_socket(connection, server_side=True) if tls else connection as talk:
                    heads.append(_head(talk))
                    script(talk)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


def _head(connection: socket.socket) -> str:
    got = b""
    while not got.endswith(b"\r\n\r\n") and (more := connection.recv(4096)):
        got += more
    return got.decode()
