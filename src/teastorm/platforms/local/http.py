"""Small bounded HTTP calls to a replica: probes, faults, audits."""

import http.client
from collections.abc import Mapping

import orjson


class Unreachable(Exception):
    """No answer. `timed_out` tells a silent replica from one that is not there."""

    def __init__(self, detail: str, *, timed_out: bool) -> None:
        super().__init__(detail)
        self.timed_out = timed_out


class Connection:
    """One kept-alive connection to one port. For one thread."""

    def __init__(self, host: str, port: int, *, timeout_s: float) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, bytes]:
        """Status and body; `Unreachable` otherwise. A stale kept-alive connection is retried."""
        reused = self._connection.sock is not None
        try:
            return self._once(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            if not reused:
                raise Unreachable(str(error) or "closed", timed_out=False) from error
        except TimeoutError as error:
            raise Unreachable("no answer in time", timed_out=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error), timed_out=False) from error
        return self.call(method, path, body, headers)

    def close(self) -> None:
        """Close it; a later call opens it again."""
        self._connection.close()

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body=body, headers=dict(headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._connection.close()
            raise


def call(
    host: str,
    port: int,
    method: str,
    path: str,
    *,
    payload: object = None,
    token: str | None = None,
    timeout_s: float = 2.0,
) -> tuple[int, bytes]:
    """One call on a connection of its own, JSON body when `payload` is given."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = None
    if payload is not None:
        body = orjson.dumps(payload)
        headers["Content-Type"] = "application/json"
    connection = Connection(host, port, timeout_s=timeout_s)
    try:
        return connection.call(method, path, body, headers)
    finally:
        connection.close()
