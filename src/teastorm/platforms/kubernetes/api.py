"""Requests to one cluster's API server: the official client's transport and credentials.

The client's generated models cost more CPU than the shop's own metrics pages (every pod of every
watch event is built as some fifty objects), so bodies stay JSON here and each module reads the
few fields it needs. Kubeconfig, exec plugins, token refresh and TLS are the client's.
"""

import json
import os
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlencode

import urllib3
from kubernetes import config as kubeconfig
from kubernetes.config.config_exception import ConfigException

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.errors import ClusterError, Unreachable, error_of
from teastorm.platforms.kubernetes.retry import AGAIN, RetryPolicy
from teastorm.platforms.kubernetes.settings import ClusterSettings

TIMEOUT_S = 10.0
WATCH_S = 240
SILENT_S = 120.0
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"

type Json = dict[str, Any]
"""A body as it came; read at once into a dataclass by whoever asked."""


class Api:
    """One context's API server. Thread-safe (urllib3's pools are).

    Every method raises a `ClusterError` in one sentence.
    """

    def __init__(
        self,
        client: Any,
        context: str,
        *,
        retry: RetryPolicy | None = None,
        rng: random.Random | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.context = context
        self.client = client
        self._retry = retry or RetryPolicy()
        self._rng = rng or random.Random()
        self._sleep = sleep

    @property
    def server(self) -> str:
        """`https://host:port` of the API server."""
        return str(self.client.configuration.host).rstrip("/")

    def get(self, path: str, **query: str) -> Json:
        """GET one object or list."""
        return self._json("GET", path, query=query)

    def post(self, path: str, body: object, **query: str) -> Json:
        """POST; a lost answer is asked for again, so a 409 may mean our own first try."""
        return self._json("POST", path, body=body, query=query)

    def put(self, path: str, body: object) -> Json:
        """PUT a whole object; its resourceVersion makes a 409 of a race."""
        return self._json("PUT", path, body=body)

    def patch(self, path: str, body: object, *, kind: str = STRATEGIC) -> Json:
        """PATCH a part of an object."""
        return self._json("PATCH", path, body=body, content_type=kind)

    def delete(self, path: str, body: object | None = None, **query: str) -> Json:
        """DELETE; `body` holds DeleteOptions."""
        return self._json("DELETE", path, body=body, query=query)

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> tuple[int, bytes]:
        """One try of a request whose answer is not the API server's own (a pod's, by proxy)."""
        status, _, content = self._once(method, path, body, dict(headers or {}), timeout_s)
        return status, content

    def watch(self, path: str, **query: str) -> Iterator[Json]:
        """Events of a watch until the server ends it (after `WATCH_S` at most); `Expired` on 410.

        Silence is bounded by the read time-out, a little above the server's own.
        """
        query = {"watch": "true", "timeoutSeconds": str(WATCH_S), **query}
        query["allowWatchBookmarks"] = "true"
        answer = self._open("GET", self._url(path, query), None, {}, (TIMEOUT_S, WATCH_S + 15.0))
        stream = answer.response
        try:
            if answer.status >= 400:
                raise error_of(answer.status, f"watch {path}", self.context, _words(stream.read()))
            yield from self._events(stream, path)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"context {self.context}: the watch broke off ({error})") from error
        finally:
            stream.close()
            stream.release_conn()

    def lines(self, path: str) -> Iterator[bytes]:
        """Lines of an answer that goes on (a pod's log); `ClusterError` when it cannot begin."""
        answer = self._open("GET", self._url(path, {}), None, {}, (TIMEOUT_S, SILENT_S))
        try:
            if answer.status >= 400:
                said = _words(answer.response.read())
                raise error_of(answer.status, f"read {path}", self.context, said)
            yield from _lines_of(answer.response)
        finally:
            answer.response.close()
            answer.response.release_conn()

    def _events(self, stream: Any, path: str) -> Iterator[Json]:
        for line in _lines_of(stream):
            event = cast("Json", json.loads(line))
            if event.get("type") == "ERROR":
                status = event.get("object") or {}
                code = int(status.get("code") or 500)
                message = str(status.get("message", ""))
                raise error_of(code, f"watch {path}", self.context, message)
            yield event

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

    def credentials(self) -> dict[str, str]:
        """The header that shows who we are, refreshed when its token is about to expire."""
        found = self.client.configuration.auth_settings().get("BearerToken")
        return {} if not found or not found["value"] else {"authorization": str(found["value"])}

    def _json(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        what = f"{method} {path}"
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = content_type
        began_s = time.monotonic()
        attempt = 1
        while True:
            failure: ClusterError
            answered: Mapping[str, str] = {}
            try:
                status, answered, content = self._once(
                    method, _with(path, query), payload, headers, TIMEOUT_S
                )
            except Unreachable as error:
                failure = error
            else:
                if status < 400:
                    return _parsed(content)
                failure = error_of(status, what, self.context, _words(content))
                if status not in AGAIN or _budget_says_no(content):
                    raise failure
            wait_s = self._retry.wait_s(
                attempt, time.monotonic() - began_s, dict(answered), self._rng
            )
            if wait_s is None:
                raise failure
            self._sleep(wait_s)
            attempt += 1

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = self._open(method, self._url(path, {}), body, headers, (timeout_s, timeout_s))
        try:
            content = answer.response.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"context {self.context}: {method} {path}: {error}") from error
        finally:
            answer.response.release_conn()
        return answer.status, answer.response.headers, content

    def _open(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeouts_s: tuple[float, float],
    ) -> Any:
        given = {**headers, **self.credentials()}
        pools = self.client.rest_client.pool_manager
        try:
            response = pools.request(
                method,
                url,
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
        return _Answer(response)

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self.server}{_with(path, query)}"


class _Answer:
    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = int(response.status)


def connect(settings: ClusterSettings) -> Api:
    """The API server of a context; `PlatformError` when the kubeconfig cannot be used (2 or 3)."""
    try:
        file = _kubeconfig(settings)
        names = _contexts(file)
        if names and settings.context not in names:
            known = ", ".join(names)
            raise PlatformError(
                2, f"the kubeconfig has no context {settings.context!r}; it has {known}"
            )
        made = kubeconfig.new_client_from_config(
            config_file=file,
            context=settings.context,
            persist_config=False,
        )
    except (ConfigException, OSError, KeyError, TypeError) as error:
        raise PlatformError(
            3, f"no usable kubeconfig ({' '.join(str(error).split())}); set KUBECONFIG"
        ) from error
    return Api(made, settings.context)


def current_context() -> str | None:
    """The kubeconfig's current context, to be shown and confirmed, never to be used unasked."""
    try:
        _, active = kubeconfig.list_kube_config_contexts(os.environ.get("KUBECONFIG"))
    except (ConfigException, OSError, KeyError, TypeError):
        return None
    return str(active["name"]) if active else None


def _contexts(file: str | None) -> list[str]:
    """Their names; none when the file names no current one, which the client then cannot list."""
    try:
        contexts, _ = kubeconfig.list_kube_config_contexts(file)
    except ConfigException:
        return []
    return [str(context["name"]) for context in contexts]


def _kubeconfig(settings: ClusterSettings) -> str | None:
    """The file, or KUBECONFIG as it is now (the client reads it once, when it is imported)."""
    if settings.kubeconfig is not None:
        return str(settings.kubeconfig)
    return os.environ.get("KUBECONFIG") or None


def _with(path: str, query: Mapping[str, str] | None) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"


def _lines_of(stream: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in stream.stream(amt=None, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())


def _parsed(content: bytes) -> Json:
    found = json.loads(content) if content.strip() else {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _words(content: bytes) -> str:
    """The `message` of a Status object, or the body's beginning."""
    try:
        found = json.loads(content)
    except ValueError:
        return content[:200].decode("utf-8", "replace")
    return str(found.get("message", "")) if isinstance(found, dict) else str(found)


def _budget_says_no(content: bytes) -> bool:
    """A 429 to an eviction is the disruption budget's answer; its caller decides when to come back."""
    return b"DisruptionBudget" in content


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error)
    return text.rsplit(": ", 1)[-1][:160]
