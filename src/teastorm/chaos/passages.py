"""What passed between two services, as both ends count it themselves on their metrics pages."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from teastorm.chaos.servers import page_of
from teastorm.observe.exposition import parse_series
from teastorm.platforms.base import Platform

ATTEMPTS = "teashop_attempts_total"
SECONDS = "teashop_attempt_seconds_sum"
TIMED = "teashop_attempt_seconds_count"
LOOKUPS = "teashop_lookups_total"
FAULTS = "teashop_edge_faults"
ARRIVED = "teashop_arrived_total"
_OURS = (ATTEMPTS, SECONDS, TIMED, LOOKUPS, FAULTS, ARRIVED)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One caller replica's side: counts since its start, or between two looks.

    `attempts` and `lookups` go by outcome; `seconds` are those of the `timed` attempts, which were
    answered; `faults` is how many outgoing faults it says are in force (never subtracted).
    """

    attempts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    timed: float = 0.0
    lookups: Mapping[str, float] = field(default_factory=dict)
    faults: float = 0.0

    def since(self, earlier: "Sent") -> "Sent":
        """What came on top; a counter that fell belongs to another process and says nothing."""
        return Sent(
            attempts=_more(self.attempts, earlier.attempts),
            seconds=max(0.0, self.seconds - earlier.seconds),
            timed=max(0.0, self.timed - earlier.timed),
            lookups=_more(self.lookups, earlier.lookups),
            faults=self.faults,
        )


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Both sides of an edge: callers by replica, and the requests that arrived at each callee."""

    callers: Mapping[str, Sent]
    arrived: Mapping[str, float]

    def since(self, earlier: "Passage") -> "Passage":
        """What passed between two looks, at the replicas that both of them saw."""
        return Passage(
            callers={
                name: sent.since(earlier.callers[name])
                for name, sent in self.callers.items()
                if name in earlier.callers
            },
            arrived=_more(
                {n: v for n, v in self.arrived.items() if n in earlier.arrived}, earlier.arrived
            ),
        )

    def attempts(self, *outcomes: str) -> float:
        """Attempts of all callers; of some outcomes, or of any."""
        return sum(
            count
            for sent in self.callers.values()
            for outcome, count in sent.attempts.items()
            if not outcomes or outcome in outcomes
        )

    @property
    def mean_s(self) -> float | None:
        """Mean seconds of an answered attempt; None when there was none."""
        return sum(s.seconds for s in self.callers.values()) / self.timed if self.timed else None

    @property
    def timed(self) -> float:
        """Attempts that were answered."""
        return sum(sent.timed for sent in self.callers.values())

    @property
    def faults(self) -> float:
        """Outgoing faults in force, as the callers say."""
        return sum(sent.faults for sent in self.callers.values())


type Look = Callable[[], Passage | None]
"""Look at both sides now; None when a page could not be read."""


def look(
    platform: Platform, caller: str, callee: str, callee_replica: str | None = None
) -> Passage | None:
    """Read the pages of all callers and callees (or of one callee replica).

    A replica that does not show its page spoils the look: what is not seen proves nothing.
    """
    callers: dict[str, Sent] = {}
    arrived: dict[str, float] = {}
    for target in platform.targets():
        if target.service not in {caller, callee}:
            continue
        page = page_of(target)
        if not page:
            return None
        if target.service == caller:
            callers[target.replica] = _sent(page, callee)
        elif callee_replica in {None, target.replica}:
            arrived[target.replica] = sum(value for _, _, value in _samples(page, (ARRIVED,)))
    return Passage(callers=callers, arrived=arrived) if callers and arrived else None


def _sent(page: str, callee: str) -> Sent:
    sums: dict[str, float] = defaultdict(float)
    attempts: dict[str, float] = defaultdict(float)
    lookups: dict[str, float] = defaultdict(float)
    for name, labels, value in _samples(page, _OURS):
        if name == FAULTS:
            sums[name] += value
        elif labels.get("target") == callee:
            if name in {ATTEMPTS, LOOKUPS}:
                side = attempts if name == ATTEMPTS else lookups
                side[labels.get("outcome", "")] += value
            else:
                sums[name] += value
    return Sent(
        attempts=dict(attempts),
        seconds=sums[SECONDS],
        timed=sums[TIMED],
        lookups=dict(lookups),
        faults=sums[FAULTS],
    )


def _samples(page: str, names: tuple[str, ...]) -> list[tuple[str, dict[str, str], float]]:
    # A page has hundreds of lines and the machine is the shop's: only ours are parsed.
    found = []
    for row in page.splitlines():
        if row.startswith(names):
            series, _, value = row.rpartition(" ")
            name, labels = parse_series(series)
            if name in names:
                found.append((name, labels, float(value)))
    return found


def _more(now: Mapping[str, float], earlier: Mapping[str, float]) -> dict[str, float]:
    return {name: max(0.0, value - earlier.get(name, 0.0)) for name, value in now.items()}
