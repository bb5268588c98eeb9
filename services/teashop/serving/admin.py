"""The admin port: where faults are set. The main port never shows it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from teashop.serving.asgi import (
    Problem,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    json_response,
)
from teashop.serving.edges import EdgeFault
from teashop.serving.faults import Fault, Faults
from teashop.serving.send import send_response
from teashop.serving.settings import SettingsError, load


class AdminApp:
    """POST, DELETE and GET on /faults, behind a bearer token when there is one.

    A fault that names a service (`to`) lies on the way there, any other one in this service itself.
    DELETE ends all.

    The token may come in `X-Admin-Authorization` instead of `Authorization`, which the proxy of a
    Kubernetes API server keeps for itself.
    """

    def __init__(self, faults: Faults, *, token: str | None) -> None:
        self._faults = faults
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._handle(Request(scope, receive, 0.0))
        except Problem as problem:
            response = problem.response()
        await send_response(send, response)

    async def _handle(self, request: Request) -> Response:
        if self._token is not None:
            offered = (
                request.header(b"x-admin-authorization") or request.header(b"authorization") or b""
            )
            if not hmac.compare_digest(offered, b"Bearer " + self._token.encode()):
                raise Problem(401, "token", "The admin port wants its bearer token.")
        if request.path != "/faults":
            raise Problem(404, "path", "The admin port serves /faults only.")
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            body = await request.json()
            if not isinstance(body, dict):
                raise Problem(400, "fault", "A fault is a JSON object.")
            try:
                self._set(body)
            except SettingsError as error:
                raise Problem(400, "fault", f"{error}.") from None
        elif request.method != "GET":
            raise Problem(405, "method", f"{request.method} is not served on /faults.")
        current = self._faults.current
        shown = None if current is None else {"kind": current.kind, "share": current.share}
        edges = [
            {"to": fault.to, "endpoint": fault.endpoint, "kind": fault.kind}
            for fault in self._faults.edges.current()
        ]
        return json_response(200, {"fault": shown, "edges": edges})

    def _set(self, body: Mapping[str, object]) -> None:
        if "to" in body:
            self._faults.edges.set(load(EdgeFault, body, "fault"))
        else:
            self._faults.set(load(Fault, body, "fault"))
