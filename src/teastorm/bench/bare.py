"""The yardstick: an ASGI application that refuses (or serves) and does nothing else.

`python -m teastorm.bench.bare PORT [fast|plain]`: plain is uvicorn without what makes it fast.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

_HEADERS = [(b"content-type", b"application/json"), (b"retry-after", b"1")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """503 on every path but /readyz."""
    del receive
    if scope["type"] != "http":
        return
    status = 200 if scope["path"] == "/readyz" else 503
    body = b'{"status":503}'
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status, "headers": [*_HEADERS, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    plain = sys.argv[2:] == ["plain"]
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        http="h11" if plain else "httptools",
        loop="asyncio" if plain else "uvloop",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )
