"""A stand-in for `teashop.serving.run`: the same command line, ports and probes, no shop.

Settings field `behaviour`: "ok" (default), "dies" (exits as it starts), "silent" (never ready).
It is started several times a test, so it imports little and speaks the HTTP it needs by itself.
"""

import json
import signal
import socket
import sys
import threading

type Answer = tuple[int, object]


class Main:
    """The port of the shop."""

    def __init__(self, *, silent: bool) -> None:
        self.answers: dict[str, Answer] = {
            "/readyz": (200, {}),
            "/livez": (200, {}),
            "/audit": (200, {"orders": []}),
        }
        if silent:
            self.answers.clear()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return self.answers.get(path, (404, {})) if method == "GET" else (405, {})


class Admin:
    """The port of faults."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.seen: list[object] = []

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if method == "DELETE":
            self.seen.clear()
        elif method == "POST":
            if headers.get("authorization") != f"Bearer {self.token}":
                return 401, {}
            self.seen.append(json.loads(body))
        return 200, self.seen if method == "GET" else {}


def talk(line: socket.socket, port: Main | Admin) -> None:
    """Answer the requests of one connection, one after the other."""
    with line, line.makefile("rb") as said:
        while first := said.readline():
            method, path, _ = first.decode().split()
            headers: dict[str, str] = {}
            while header := said.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = said.read(int(headers.get("content-length", 0)))
            status, content = port.answer(method, path, headers, body)
            payload = json.dumps(content).encode()
            line.sendall(
                b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(payload)) + payload
            )


def serve(listening: socket.socket, port: Main | Admin) -> None:
    while True:
        line, _ = listening.accept()
        threading.Thread(target=talk, args=(line, port), daemon=True).start()


def main() -> None:
    given = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    with open(given["--settings"], encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
        settings = json.load(file)
    behaviour = settings.get("behaviour", "ok")
    if behaviour == "dies":
        sys.exit("this service cannot start")
    if settings.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listening = [
        socket.create_server((given["--host"], int(given[name])))
        for name in ("--port", "--admin-port")
    ]
    admin = Admin(settings["common"]["admin_token"])
    threading.Thread(target=serve, args=(listening[1], admin), daemon=True).start()
    serve(listening[0], Main(silent=behaviour == "silent"))


main()
