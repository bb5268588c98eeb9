"""A stand-in for `teashop.serving.run`: the same command line, ports and probes, no shop.

Settings field `behaviour`: "ok" (default), "dies" (exits as it starts), "silent" (never ready).
"""

import argparse
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar


class Main(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, tuple[int, object]]] = {
        "/readyz": (200, {}),
        "/livez": (200, {}),
        "/audit": (200, {"orders": []}),
    }

    def do_GET(self) -> None:
        self.reply(*self.answers.get(self.path, (404, {})))

    def reply(self, status: int, content: object) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: object) -> None:
        return


class Admin(Main):
    token = ""
    seen: ClassVar[list[object]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            self.reply(401, {})
            return
        self.seen.append(json.loads(body))
        self.reply(200, {})

    def do_DELETE(self) -> None:
        self.seen.clear()
        self.reply(200, {})

    def do_GET(self) -> None:
        self.reply(200, self.seen)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--admin-port", type=int)
    args = parser.parse_args()
    settings = json.loads(args.settings.read_text())
    behaviour = settings.get("behaviour", "ok")
    if behaviour == "dies":
        sys.exit("this service cannot start")
    if behaviour == "silent":
        Main.answers = {}
    if settings.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Admin.token = settings["common"]["admin_token"]
    admin = ThreadingHTTPServer((args.host, args.admin_port), Admin)
    threading.Thread(target=admin.serve_forever, daemon=True).start()
    ThreadingHTTPServer((args.host, args.port), Main).serve_forever()


main()
