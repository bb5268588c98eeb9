"""What may be scraped: one replica's metrics page. Made by platforms, read by metric sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import http.client


class Access(Protocol):
    """What a page behind a proxy wants of its reader. Thread-safe."""

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection to the page's host, not yet opened: whom to trust, and the way there."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Headers of every request, asked for anew each time (tokens expire)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ScrapeTarget:
    """One replica's metrics page.

    `url` is the whole address, `http://127.0.0.1:7001/metrics`. `access` is what a proxy on the
    way asks for; None: nothing. Immutable: safe to share.
    """

    service: str
    replica: str
    url: str
    access: Access | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a scrape target's url must begin with http://, got {self.url!r}")

    @property
    def path(self) -> str:
        """What to ask the host for."""
        return urlsplit(self.url).path or "/metrics"

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection to the page's host, not yet opened."""
        import http.client  # noqa: PLC0415 - each command would pay for it, few ever scrape

        if self.access is not None:
            return self.access.connection(timeout_s)
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s)
        return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)

    def headers(self) -> dict[str, str]:
        """Headers of a request for the page."""
        return {} if self.access is None else dict(self.access.headers())
