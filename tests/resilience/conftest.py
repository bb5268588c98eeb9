"""A small AI server in virtual time, for policies that only show themselves under load."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from teashop.resilience.admission import Limiter, LimitReached, Permit
from teashop.resilience.limit import Limit


@dataclass(kw_only=True)
class Outcome:
    """What a simulated run showed, after its warm-up."""

    utilisation: float
    served_rps: float
    refused: int
    rtts_s: list[float]
    limits: list[int]
    slow_s: list[float] = field(default_factory=list)

    def rtt_s(self, quantile: float) -> float:
        ordered = sorted(self.rtts_s)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


@dataclass(kw_only=True)
class AiServer:
    """`replicas` of `places` each: .40 s alone, .50 s in a full batch, times `slower(t)`.

    Two events: an arrival (Poisson, `rate_rps(t)`) asks the limiter; a departure ends its permit
    and starts the next that waits inside the server. Each goes to the replica with fewer.
    """

    replicas: int = 2
    places: int = 16
    alone_s: float = 0.40
    batch_s: float = 0.50
    noise: float = 0.05
    seed: int = 1
    slower: Callable[[float], float] = lambda _t: 1.0

    @property
    def capacity_rps(self) -> float:
        return self.replicas * self.places / self.batch_s

    def run(
        self,
        limit: Limit,
        *,
        rate_rps: Callable[[float], float],
        seconds: float,
        warm_up_s: float = 10.0,
        rtt_floor_s: float = 0.0,
    ) -> Outcome:
        rng = random.Random(self.seed)
        limiter = Limiter(limit)
        running = [0] * self.replicas
        waiting: list[deque[tuple[float, Permit]]] = [deque() for _ in range(self.replicas)]
        events: list[tuple[float, int, int, tuple[float, Permit] | None]] = []
        ticket = 0
        busy_s = 0.0
        rtts: list[float] = []
        limits: list[int] = []
        refused = 0

        def begin(now_s: float, replica: int, call: tuple[float, Permit]) -> None:
            nonlocal busy_s, ticket
            running[replica] += 1
            share = (running[replica] - 1) / max(1, self.places - 1)
            service_s = self.alone_s + (self.batch_s - self.alone_s) * share
            service_s *= self.slower(now_s) * rng.uniform(1 - self.noise, 1 + self.noise)
            ticket += 1
            heapq.heappush(events, (now_s + service_s, ticket, replica, call))
            if now_s >= warm_up_s:
                busy_s += min(service_s, seconds - now_s)

        heapq.heappush(events, (rng.expovariate(rate_rps(0.0)), 0, -1, None))
        while events:
            now_s, _, replica, call = heapq.heappop(events)
            if now_s >= seconds:
                break
            if call is None:
                ticket += 1
                heapq.heappush(events, (now_s + rng.expovariate(rate_rps(now_s)), ticket, -1, None))
                try:
                    permit = limiter.acquire(now_s)
                except LimitReached:
                    refused += now_s >= warm_up_s
                    continue
                loads = [running[i] + len(waiting[i]) for i in range(self.replicas)]
                target = loads.index(min(loads))
                if running[target] < self.places:
                    begin(now_s, target, (now_s, permit))
                else:
                    waiting[target].append((now_s, permit))
                continue
            running[replica] -= 1
            begun_s, permit = call
            permit.succeed(now_s)
            if now_s >= warm_up_s:
                rtts.append(now_s - begun_s)
                limits.append(limit.limit)
            if waiting[replica]:
                begin(now_s, replica, waiting[replica].popleft())
        span_s = seconds - warm_up_s
        return Outcome(
            utilisation=busy_s / (self.replicas * self.places * span_s),
            served_rps=len(rtts) / span_s,
            refused=refused,
            rtts_s=rtts,
            limits=limits,
        )


@pytest.fixture
def ai_server() -> type[AiServer]:
    return AiServer
