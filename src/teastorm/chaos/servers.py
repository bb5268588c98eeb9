"""What the shop's own counters say, read directly from each replica's metrics page."""

import http.client
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import Platform

OFFERED = "teashop_offered_total"
ANSWERS = "teashop_answers_total"
TIMEOUT_S = 2.0
TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Requests (every attempt) that arrived at the gateways, and those answered with 2xx.

    `complete` is False when a gateway did not show its counters.
    """

    offered: float = 0.0
    good: float = 0.0
    complete: bool = True

    def __sub__(self, earlier: "Counts") -> "Counts":
        # A gateway that died took its counts with it; fewer than before says nothing.
        return Counts(
            offered=max(0.0, self.offered - earlier.offered),
            good=max(0.0, self.good - earlier.good),
            complete=self.complete and earlier.complete,
        )

    @property
    def good_share(self) -> float | None:
        """Good among those that arrived; None when none did."""
        return min(1.0, self.good / self.offered) if self.offered else None


def counted(platform: Platform, classes: tuple[str, ...]) -> Counts:
    """What all gateways have counted so far of some classes.

    A gateway that does not answer counts as none, so a count can only be too small, which can
    only keep something from being proved.
    """
    offered = good = 0.0
    complete = True
    for target in platform.targets():
        if target.service != "gateway":
            continue
        page = page_of(target)
        complete = complete and bool(page)
        # A page has hundreds of lines and the machine is the shop's: only ours are parsed.
        ours = "".join(
            f"{row}\n" for row in page.splitlines() if row.startswith((OFFERED, ANSWERS))
        )
        for family in text_string_to_metric_families(ours):
            for sample in family.samples:
                if sample.labels.get("route") not in classes:
                    continue
                if sample.name == OFFERED:
                    offered += sample.value
                elif sample.name == ANSWERS and sample.labels.get("status", "").startswith("2"):
                    good += sample.value
    return Counts(offered=offered, good=good, complete=complete)


def page_of(target: ScrapeTarget) -> str:
    """A metrics page; asked for again while a replica is too busy to show it."""
    return next((page for _ in range(TRIES) if (page := _fetched(target))), "")


def _fetched(target: ScrapeTarget) -> str:
    connection = target.connection(TIMEOUT_S)
    try:
        connection.request("GET", target.path, headers=target.headers())
        answer = connection.getresponse()
        return answer.read().decode("utf-8", "replace") if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
