"""The HTTP of a small API server: requests, chunked watches, and exec over a WebSocket."""

import base64
import hashlib
import json
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.platforms.fake_objects import selected

if TYPE_CHECKING:
    from tests.platforms.fake_cluster import FakeCluster

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refusal(Exception):
    """An answer that is no good one."""

    def __init__(self, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.headers = code, headers or {}


def handler(cluster: "FakeCluster") -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one small server
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_all(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            watching = query.get("watch") == "true"
            cluster.asked.append((self.command, parts.path, watching))
            try:
                if "/proxy" in parts.path:
                    self.reply(*cluster.proxied(self.command, parts.path, dict(self.headers), body))
                elif parts.path == "/readyz":
                    self.reply(200 if cluster.door_is_open() else 503, {})
                elif parts.path.endswith("/exec"):
                    self.exec(parts.path.removesuffix("/exec"), parse_qs(parts.query))
                elif watching:
                    self.watch(parts.path, query)
                else:
                    content = cluster.answer(self.command, parts.path, query, body)
                    with cluster.lock:
                        self.reply(200, content)
            except Refusal as refusal:
                status = {"kind": "Status", "code": refusal.code, "message": str(refusal)}
                self.reply(refusal.code, status, refusal.headers)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all  # noqa: N815 - the library's names

        def reply(
            self, status: int, content: object, headers: dict[str, str] | None = None
        ) -> None:
            payload = json.dumps(content).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def watch(self, path: str, query: dict[str, str]) -> None:
            seen = int(query["resourceVersion"])
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not cluster.closing:
                with cluster.changed:
                    gone = seen < cluster.oldest
                    news = [
                        event
                        for version, where, event in cluster.log
                        if version > seen
                        and where.rpartition("/")[0] == path
                        and selected(event["object"], query.get("labelSelector", ""))
                    ]
                    seen = max([seen, *(version for version, _, _ in cluster.log)])
                if gone:
                    status = {"kind": "Status", "code": 410, "message": "too old resource version"}
                    news = [{"type": "ERROR", "object": status}]
                try:
                    for event in news:
                        self.chunk(json.dumps(event).encode() + b"\n")
                    if gone or cluster.drop_watches:
                        self.chunk(b"")
                        self.close_connection = True
                        return
                except OSError:
                    return
                with cluster.changed:
                    cluster.changed.wait(0.05)

        def chunk(self, payload: bytes) -> None:
            self.wfile.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
            self.wfile.flush()

        def exec(self, path: str, query: dict[str, list[str]]) -> None:
            """A WebSocket that says how the command ended, on the status channel (3)."""
            key = self.headers["Sec-WebSocket-Key"] + GUID
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324 - RFC 6455 says so
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept)
            self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
            self.end_headers()
            words = query["command"][-1].split()
            cluster.controller.signal(path, words[1].removeprefix("-"))
            said = b"\x03" + json.dumps({"status": "Success"}).encode()
            self.wfile.write(struct.pack("!BB", 0x82, len(said)) + said)
            self.wfile.write(struct.pack("!BBH", 0x88, 2, 1000))
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    return Handler
