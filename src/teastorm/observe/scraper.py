"""One target's metrics page, asked for again and again over one connection."""

import http.client
from collections.abc import Callable

from teastorm.observe.exposition import SeriesTable
from teastorm.observe.target import ScrapeTarget

TIMEOUT_S = 2.0


class Scraper:
    """A kept-alive connection and the series known of its pages. One thread at a time.

    Args:
        number_of: gives a series, by name and labels, its number.

    Attributes:
        busy: whether it is being asked; whoever asks says so.
        up: the number of `up`.
    """

    def __init__(
        self, target: ScrapeTarget, number_of: Callable[[str, dict[str, str]], int]
    ) -> None:
        self.busy = False
        self.up = number_of("up", {})
        self._target = target
        self._connection = target.connection(TIMEOUT_S)
        self._table = SeriesTable(number_of)

    def scrape(self) -> list[tuple[int, float]]:
        """Every sample and `up`; only `up` = 0 when the page could not be had."""
        try:
            self._connection.request("GET", self._target.path, headers=self._target.headers())
            answer = self._connection.getresponse()
            page = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return [(self.up, 0.0)]
        if answer.status != 200:
            return [(self.up, 0.0)]
        return [(self.up, 1.0), *self._table.samples(page)]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
