"""An answer, written to the server."""

from __future__ import annotations

import asyncio

from teashop.serving.asgi import Response, Send


async def send_response(send: Send, response: Response) -> None:
    """Write it whole, or a stream chunk by chunk; one that is cut short is closed all the same."""
    if response.stream is None:
        length = (b"content-length", b"%d" % len(response.body))
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [*response.headers, length],
            }
        )
        await send({"type": "http.response.body", "body": response.body})
        return
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": list(response.headers),
        }
    )
    try:
        async for chunk in response.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        closing = getattr(response.stream, "aclose", None)
        if closing is not None:
            await asyncio.shield(closing())
    await send({"type": "http.response.body", "body": b""})
