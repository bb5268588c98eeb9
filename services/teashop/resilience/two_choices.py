"""Which replica to ask: the better of two at random, and not one that is failing."""

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from teashop.resilience.balance import NoEndpoint
from teashop.resilience.checks import above, at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancerConfig:
    """Settings of `Balancer`.

    Attributes:
        decay_s: time constant with which a past peak is forgotten.
        initial_s: the time assumed of a replica that was never asked.
        failure_s: a failure counts as an answer of at least so long, or a replica that fails fast
            would look like the best one.
        eject_after: failures in a row that eject a replica.
        eject_s: for how long, times the number of ejections in a row (at most ten).
        max_ejected: share of the replicas that may be ejected at once.
    """

    decay_s: float = 5.0
    initial_s: float = 0.1
    failure_s: float = 1.0
    eject_after: int = 5
    eject_s: float = 2.0
    max_ejected: float = 0.5

    def __post_init__(self) -> None:
        above(self, "decay_s", self.decay_s, 0.0)
        above(self, "initial_s", self.initial_s, 0.0)
        at_least(self, "failure_s", self.failure_s, 0.0)
        at_least(self, "eject_after", self.eject_after, 1)
        above(self, "eject_s", self.eject_s, 0.0)
        within(self, "max_ejected", self.max_ejected, 0.0, 0.99)


class _Replica:
    __slots__ = ("ejected_until_s", "ejections", "failures", "outstanding", "peak_s", "seen_s")

    def __init__(self, initial_s: float, now_s: float) -> None:
        self.peak_s = initial_s
        self.seen_s = now_s
        self.outstanding = 0
        self.failures = 0
        self.ejections = 0
        self.ejected_until_s = -math.inf


class Balancer:
    """Power of two choices over peak-EWMA, with outlier ejection.

    Two replicas drawn at random and the less loaded one taken bring the longest queue from
    log n/log log n down to log log n (Mitzenmacher, "The Power of Two Choices in Randomized Load
    Balancing", 2001), without the herd that follows everybody's choosing the best. Load is that of
    Finagle's `p2c.PeakEwma`: (outstanding + 1) x a mean of the time that jumps to a peak at once
    and decays towards newer values with exp(-dt/decay). Ejection is Envoy's: some failures in a row
    and the replica is left alone for a while, longer each time, never more than `max_ejected` of
    them, and if none is left all are asked.

    Not thread-safe. `choose` costs one or two microseconds.
    """

    __slots__ = ("_calm_from_s", "_calm_s", "_config", "_decay_s", "_known", "_replicas")

    def __init__(self, config: BalancerConfig | None = None) -> None:
        self._config = config or BalancerConfig()
        self._decay_s = self._config.decay_s
        self._calm_s = self._config.initial_s
        self._replicas: dict[str, _Replica] = {}
        self._known = 0
        self._calm_from_s = -math.inf  # from then on nobody is ejected any more

    def load(self, endpoint: str, now_s: float) -> float:
        """Expected wait at `endpoint` in seconds: (outstanding + 1) x decayed peak."""
        replica = self._replicas.get(endpoint)
        if replica is None:
            return self._config.initial_s
        peak_s = replica.peak_s
        if replica.outstanding:
            return (replica.outstanding + 1) * peak_s
        # Forget the past of an idle replica, or one slow answer would keep it idle; with calls
        # out nothing is forgotten, or a hung one would look better by the second.
        idle_s = now_s - replica.seen_s
        if idle_s <= 0.0:
            return peak_s
        calm_s = self._calm_s
        return calm_s + (peak_s - calm_s) * math.exp(-idle_s / self._decay_s)

    def ejected(self, endpoint: str, now_s: float) -> bool:
        """Whether `endpoint` is being left alone now."""
        replica = self._replicas.get(endpoint)
        return replica is not None and replica.ejected_until_s > now_s

    def choose(
        self,
        endpoints: Sequence[str],
        rng: random.Random,
        now_s: float,
        exclude: Collection[str] = (),
    ) -> str:
        """See `Balancing.choose`."""
        if not endpoints:
            raise NoEndpoint("no replica is known.")
        self._known = known = len(endpoints)
        if len(self._replicas) > 2 * known + 8:
            self._forget(endpoints)
        candidates: Sequence[str] = endpoints
        if exclude or now_s < self._calm_from_s:
            candidates = [e for e in endpoints if e not in exclude and not self.ejected(e, now_s)]
            if not candidates:
                candidates = [e for e in endpoints if e not in exclude] or endpoints
            known = len(candidates)
        first = int(rng.random() * known)
        if known == 1:
            return candidates[0]
        second = int(rng.random() * (known - 1))
        if second >= first:
            second += 1
        one, other = candidates[first], candidates[second]
        # Under load both are busy, and then a load is one product: no call for that.
        replicas = self._replicas
        its, others = replicas.get(one), replicas.get(other)
        if its is not None and its.outstanding:
            load = (its.outstanding + 1) * its.peak_s
        else:
            load = self.load(one, now_s)
        if others is not None and others.outstanding:
            return one if load <= (others.outstanding + 1) * others.peak_s else other
        return one if load <= self.load(other, now_s) else other

    def started(self, endpoint: str, now_s: float) -> None:
        """See `Balancing.started`."""
        replica = self._replicas.get(endpoint)
        if replica is None:
            replica = self._replicas[endpoint] = _Replica(self._config.initial_s, now_s)
        replica.outstanding += 1

    def finished(self, endpoint: str, now_s: float, rtt_s: float, ok: bool) -> None:
        """See `Balancing.finished`; of a replica that is no longer known it changes nothing."""
        replica = self._replicas.get(endpoint)
        if replica is None:
            return
        if replica.outstanding > 0:
            replica.outstanding -= 1
        if ok:
            replica.failures = 0
            if replica.ejections and replica.ejected_until_s <= now_s:
                replica.ejections = 0
        else:
            rtt_s = max(rtt_s, self._config.failure_s)
            replica.failures += 1
            if replica.failures >= self._config.eject_after:
                self._eject(replica, now_s)
        if rtt_s >= replica.peak_s:
            replica.peak_s = rtt_s
        else:
            since_s = now_s - replica.seen_s
            keep = math.exp(-since_s / self._decay_s) if since_s > 0.0 else 1.0
            replica.peak_s = replica.peak_s * keep + rtt_s * (1.0 - keep)
        replica.seen_s = now_s

    def _eject(self, replica: _Replica, now_s: float) -> None:
        out = sum(r.ejected_until_s > now_s for r in self._replicas.values())
        if replica.ejected_until_s > now_s or out + 1 > self._config.max_ejected * self._known:
            return
        replica.failures = 0
        replica.ejections = min(replica.ejections + 1, 10)
        replica.ejected_until_s = now_s + self._config.eject_s * replica.ejections
        self._calm_from_s = max(self._calm_from_s, replica.ejected_until_s)

    def _forget(self, endpoints: Sequence[str]) -> None:
        live = set(endpoints)
        self._replicas = {e: r for e, r in self._replicas.items() if e in live or r.outstanding}
