"""Talking to pods through the API server's proxy: pod addresses are not reachable from outside.

The API server takes the Authorization header for itself and does not hand it on, so the admin
token travels in a header of its own.
"""

import functools
import http.client
import json
import ssl
from collections.abc import Iterable, Mapping

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import JsonObject, Replica
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError, Unreachable
from teastorm.platforms.ledgers import first_ledger

TOKEN_HEADER = "X-Admin-Authorization"  # noqa: S105 - a header's name
TIMEOUT_S = 5.0
AUDIT_TIMEOUT_S = 15.0


class ProxyAccess:
    """`Access` with the context's own credentials; the TLS settings are read once."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return self._api.tls()

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """See `Access`."""
        return self._api.connection(timeout_s, self._tls)

    def headers(self) -> Mapping[str, str]:
        """See `Access`."""
        return self._api.credentials()


class PodProxy:
    """The pods of one namespace. Thread-safe."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._access = ProxyAccess(api)

    def target(self, replica: Replica) -> ScrapeTarget:
        """A replica's metrics page."""
        path = self._path(replica.replica_id, replica.port, "/metrics")
        return ScrapeTarget(
            service=replica.service,
            replica=replica.replica_id,
            url=f"{self._api.server}{path}",
            access=self._access,
        )

    def ask(self, replica: Replica, path: str, timeout_s: float) -> int:
        """GET a path of a replica's main port; the status, 0 when nothing came in time."""
        try:
            where = self._path(replica.replica_id, replica.port, path)
            return self._api.raw("GET", where, timeout_s=timeout_s)[0]
        except Unreachable:
            return 0

    def faults(
        self, replica: Replica, method: str, payload: Mapping[str, object] | None, token: str
    ) -> None:
        """POST or DELETE /faults on a replica's admin port; `ClusterError` when it refuses."""
        headers = {TOKEN_HEADER: f"Bearer {token}", "Content-Type": "application/json"}
        path = self._path(replica.replica_id, replica.admin_port, "/faults")
        body = None if payload is None else json.dumps(payload).encode()
        status, said = self._api.raw(method, path, body=body, headers=headers, timeout_s=TIMEOUT_S)
        if status >= 300:
            text = said[:200].decode("utf-8", "replace")
            raise ClusterError(
                f"{replica.replica_id}: {method} /faults gave {status}: {text}", status=status
            )

    def audit(self, service: str, replicas: Iterable[Replica]) -> JsonObject:
        """See `first_ledger`."""

        def ask(replica: Replica) -> tuple[int, bytes]:
            path = self._path(replica.replica_id, replica.port, "/audit")
            return self._api.raw("GET", path, timeout_s=AUDIT_TIMEOUT_S)

        return first_ledger(service, replicas, ask, Unreachable)

    def _path(self, pod: str, port: int, path: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/pods/{pod}:{port}/proxy{path}"
