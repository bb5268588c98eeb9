"""Tiny gateways for the generator's tests: raw ASGI, run by uvicorn in a process of their own.

`python shopfront.py MODE:PORT …`; modes: good, stalled (chat never answers), refusing (503).
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

JSON = (b"content-type", b"application/json")


class Shopfront:
    """Answers every path of the gateway without thinking; chat answers no true order."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.orders = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == "/chat" and self.mode == "stalled":
            await asyncio.Event().wait()
        if path == "/chat" and self.mode == "refusing":
            headers = [(b"retry-after", b"1"), (b"x-refusal", b"limit")]
            await reply(send, 503, b'{"status":503}', [*headers, (b"x-degradation", b"refused")])
        elif path == "/chat":
            body = b'{"order":null,"text":"ok"}'
            await reply(send, 200, body, [(b"x-degradation", b"full"), (b"x-replica", b"g1")])
        elif path == "/checkout":
            self.orders += 1
            await reply(send, 201, b'{"order_id":"o-%d","state":"placed"}' % self.orders, [])
        elif path.endswith("/payment"):
            await reply(send, 200, b'{"order_id":"o","state":"paid"}', [])
        else:
            await reply(send, 200, b'{"order_id":"o","state":"paid","menu":[]}', [])


async def reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def open_all(doors: list[str]) -> None:
    servers = []
    for door in doors:
        mode, _, port = door.partition(":")
        config = uvicorn.Config(
            Shopfront(mode), port=int(port), log_level="warning", lifespan="off", access_log=False
        )
        servers.append(uvicorn.Server(config).serve())
    await asyncio.gather(*servers)


if __name__ == "__main__":
    asyncio.run(open_all(sys.argv[1:]))
