"""What may be scraped: one replica's metrics page. Made by platforms, read by metric sources."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScrapeTarget:
    """One replica's metrics page.

    `url` is the whole address, `http://127.0.0.1:7001/metrics`. Immutable: safe to share.
    """

    service: str
    replica: str
    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a scrape target's url must begin with http://, got {self.url!r}")
