"""One request to one cluster's API server: the official client's pools, credentials and TLS.

Exec plugins, token refresh and certificates are the client's. What an answer means, and whether it
is asked for again, is for whoever asks (`Api`).
"""

import http.client
import ssl
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3

from teastorm.platforms.kubernetes.errors import Unreachable, error_of, words_of

TIMEOUT_S = 10.0
SILENT_S = 120.0
HTTP_PORT, HTTPS_PORT = 80, 443


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer, whatever its status."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Secure(http.client.HTTPSConnection):
    """HTTPS to a server whose certificate may bear another name than its address."""

    def __init__(
        self, host: str, port: int, *, timeout_s: float, tls: ssl.SSLContext, server_name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout_s, context=tls)
        self._tls = tls
        self._server_name = server_name

    def connect(self) -> None:
        """Connect, through a tunnel where one was set, and shake hands."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)


class Transport:
    """The API server of one context, asked once at a time. Thread-safe (urllib3's pools are).

    `client` is the official client's `ApiClient` for `context`. A server that does not answer is
    an `Unreachable` in one sentence.
    """

    def __init__(self, client: Any, context: str) -> None:
        self.client = client
        self.context = context

    @property
    def server(self) -> str:
        """`https://host:port` of the API server."""
        return str(self.client.configuration.host).rstrip("/")

    def tls(self) -> ssl.SSLContext | None:
        """What a connection of one's own needs (scraping by proxy); None over plain HTTP."""
        settings = self.client.configuration
        if not self.server.startswith("https://"):
            return None
        context = ssl.create_default_context(
            cafile=settings.ssl_ca_cert, cadata=settings.ca_cert_data
        )
        if not settings.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        return context

    def connection(
        self, timeout_s: float, tls: ssl.SSLContext | None
    ) -> http.client.HTTPConnection:
        """A connection of one's own to the server, not yet opened; `tls` is what `tls()` gave.

        It goes through the proxy that the kubeconfig or the environment names, and expects the
        name in the server's certificate that the kubeconfig says.
        """
        parts = urlsplit(self.server)
        host = parts.hostname or ""
        port = parts.port or (HTTP_PORT if tls is None else HTTPS_PORT)
        pools = self.client.rest_client.pool_manager
        proxy = pools.proxy if isinstance(pools, urllib3.ProxyManager) else None
        at, through = (host, port) if proxy is None else (proxy.host or "", proxy.port or HTTP_PORT)
        made: http.client.HTTPConnection
        if tls is None:
            made = http.client.HTTPConnection(at, through, timeout=timeout_s)
        else:
            name = self.client.configuration.tls_server_name or host
            made = _Secure(at, through, timeout_s=timeout_s, tls=tls, server_name=name)
        if proxy is not None:
            made.set_tunnel(host, port, headers=dict(pools.proxy_headers))
        return made

    def credentials(self) -> dict[str, str]:
        """The header that shows who we are, refreshed when its token is about to expire."""
        found = self.client.configuration.auth_settings().get("BearerToken")
        return {} if not found or not found["value"] else {"authorization": str(found["value"])}

    def once(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """One try of a request; `timeout_s` is for the connection and for each read."""
        response = self._open(method, path, body, headers or {}, (timeout_s, timeout_s))
        try:
            content = response.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"context {self.context}: {method} {path}: {error}") from error
        finally:
            response.release_conn()
        return Answer(status=response.status, content=content, headers=response.headers)

    def lines(
        self, path: str, *, what: str | None = None, silent_s: float = SILENT_S
    ) -> Generator[bytes, None, None]:
        """Lines of an answer that goes on (a pod's log, a watch), empty ones left out.

        `ClusterError` when it cannot begin, breaks off, or is silent for `silent_s`; `what` stands
        for the request in its sentence.
        """
        named = what or f"read {path}"
        response = self._open("GET", path, None, {}, (TIMEOUT_S, silent_s))
        try:
            if response.status >= 400:
                said = words_of(response.read())
                raise error_of(response.status, named, self.context, said)
            yield from _lines_of(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"context {self.context}: {named} broke off ({error})") from error
        finally:
            response.close()
            response.release_conn()

    def _open(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeouts_s: tuple[float, float],
    ) -> urllib3.BaseHTTPResponse:
        given = {**headers, **self.credentials()}
        pools: urllib3.PoolManager = self.client.rest_client.pool_manager
        try:
            return pools.request(
                method,
                f"{self.server}{path}",
                body=body,
                headers=given,
                timeout=urllib3.Timeout(connect=timeouts_s[0], read=timeouts_s[1]),
                preload_content=False,
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(
                f"context {self.context}: no API server answers at {self.server} "
                f"({_reason(error)}); is the cluster up?"
            ) from error


def _lines_of(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error)
    return text.rsplit(": ", 1)[-1][:160]
