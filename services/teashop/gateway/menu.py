"""GET /menu: cheap, and the first to be shed when the door itself is overloaded."""

from __future__ import annotations

from teashop.catalog.menu import MENU
from teashop.gateway.door import Admitted
from teashop.gateway.door import Inside as Handler
from teashop.gateway.parts import Parts
from teashop.serving.asgi import Response, json_response

_ANSWER = json_response(200, {"menu": MENU.to_json()}, headers=((b"x-degradation", b"none"),))


def menu(parts: Parts) -> Handler:
    """The handler."""
    answers = parts.metrics.answers.labels("menu", "none", "200")

    async def handle(_: Admitted) -> Response:
        answers.inc()
        return _ANSWER

    return handle
