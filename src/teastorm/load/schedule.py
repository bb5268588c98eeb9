"""Every arrival of a run, drawn before the first is sent.

Arrivals are Poisson at piecewise-constant rates: a Poisson number for each stretch, spread
uniformly (the order statistics of a Poisson process). numpy draws, seeded by class, so that no
class's draws depend on another's rate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teashop.catalog import DrinkOrder
from teashop.catalog.utterances import draw as draw_utterance
from teashop.catalog.utterances import draw_order
from teastorm.load.settings import Mix

_CRITICALITY = {
    "chat": "sheddable_plus",
    "checkout": "critical",
    "payment": "critical_plus",
    "status": "critical_plus",
    "menu": "sheddable",
}
_BLOCK = 20  # utterances are drawn in blocks that each hold the promised share of hard ones
_STREAMS = {"chat": 1, "menu": 2, "checkout": 3, "utterance": 4, "cart": 5, "users": 6}


class Segment(NamedTuple):
    """A stretch of constant chat rate; times from the load's start. `even`: not Poisson."""

    phase: int
    start_s: float
    end_s: float
    rps: float
    even: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """One wish, before anything is sent.

    Attributes:
        intended_s: t_i from the load's start; a follow-up's as if its checkout went well at once.
        klass: chat, checkout, payment, status or menu.
        criticality: by its route, or lower when `asked` says so.
        phase: name of the phase.
        user: opaque id, sent as X-User.
        honours: whether this user waits for Retry-After.
        key: Idempotency-Key of all attempts.
        payload: the body, ready to send.
        truth: the order that a chat answer must lead to; None where no truth applies.
        parent: index in the schedule of the checkout a payment or status follows, else -1.
        asked: the X-Criticality header, empty for none.
        jitter: in 0..1, for this wish's backoff.
        resolvable: whether rules could resolve the utterance.
    """

    intended_s: float
    klass: str
    criticality: str
    phase: str
    user: str
    honours: bool
    key: str
    payload: bytes = b""
    truth: DrinkOrder | None = None
    parent: int = -1
    asked: str = ""
    jitter: float = 0.0
    resolvable: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals, by intended time. `seconds` is the last phase's end."""

    seed: int
    seconds: float
    arrivals: tuple[Arrival, ...]

    def counts(self) -> dict[str, int]:
        """Arrivals by class; payments and status questions count although some never come."""
        return dict(sorted(Counter(a.klass for a in self.arrivals).items()))

    def digest(self) -> str:
        """SHA-256 over everything drawn: equal for equal plans and seeds."""
        seen = hashlib.sha256()
        for arrival in self.arrivals:
            seen.update(repr(arrival).encode())
        return seen.hexdigest()


def draw_schedule(
    *,
    segments: Sequence[Segment],
    phases: tuple[str, ...],
    phase_ends_s: tuple[float, ...],
    pool_window: tuple[float, float],
    mix: Mix,
    honour_share: float,
    seed: int,
) -> Schedule:
    """Draw it all; see `teastorm.load.plan.draw`, which is what callers want.

    Args:
        pool_window: start and end in which each user shall have `mix.requests_per_user` arrivals.
    """
    end_s = phase_ends_s[-1]

    def phase_at(time_s: float) -> str:
        index = int(np.searchsorted(np.asarray(phase_ends_s), time_s, side="right"))
        return phases[min(index, len(phases) - 1)]

    crowd = _Crowd(seed, mix, honour_share, pool_window)
    found = [
        *_chats(_poisson(seed, "chat", segments), crowd, mix, seed, phase_at),
        *_menus(_poisson(seed, "menu", segments, mix.menu_per_chat), crowd, seed, phase_at),
    ]
    flat = [Segment(0, 0.0, end_s, mix.critical_rps)]
    checkouts = _checkouts(_poisson(seed, "checkout", flat), crowd, mix, seed, phase_at)
    families = [(arrival, _follow_ups(arrival, mix, seed, phase_at)) for arrival in checkouts]
    loose = [(arrival, -1) for arrival in found] + [(arrival, -1) for arrival, _ in families]
    loose += [(child, n) for n, (_, children) in enumerate(families) for child in children]
    loose.sort(key=lambda pair: (pair[0].intended_s, pair[0].key))
    place = {arrival.key: index for index, (arrival, _) in enumerate(loose)}
    arrivals = tuple(
        arrival if n < 0 else _child_of(arrival, place[families[n][0].key]) for arrival, n in loose
    )
    return Schedule(seed, end_s, arrivals)


class _Crowd:
    """Users by class, dealt like cards: each comes as often as the next, in a drawn order."""

    def __init__(
        self, seed: int, mix: Mix, honour_share: float, window: tuple[float, float]
    ) -> None:
        self._rng = _stream(seed, "users")
        self._mix = mix
        self._honour_share = honour_share
        self._window = window

    def deal(self, prefix: str, times: NDArray[np.float64]) -> list[tuple[str, bool]]:
        inside = np.count_nonzero((times >= self._window[0]) & (times < self._window[1]))
        size = max(5, round(float(inside or len(times)) / self._mix.requests_per_user))
        honours = np.zeros(size, dtype=bool)
        honours[: round(size * self._honour_share)] = True
        self._rng.shuffle(honours)
        rounds = [self._rng.permutation(size) for _ in range(len(times) // size + 1)]
        cards = np.concatenate(rounds)[: len(times)]
        return [(f"{prefix}{card}", bool(honours[card])) for card in cards]


type _PhaseAt = Callable[[float], str]


def _chats(
    times: NDArray[np.float64], crowd: _Crowd, mix: Mix, seed: int, phase_at: _PhaseAt
) -> list[Arrival]:
    rng = _stream(seed, "utterance")
    lowered = rng.random(len(times)) < mix.lowered_share
    jitter = rng.random(len(times))
    hard = _hard(rng, len(times), mix.unresolvable_share)
    users: list[tuple[str, bool]] = [("", False)] * len(times)
    for prefix, chosen in (("c", np.flatnonzero(~lowered)), ("s", np.flatnonzero(lowered))):
        for index, dealt in zip(chosen, crowd.deal(prefix, times[chosen]), strict=True):
            users[index] = dealt
    words = Random(f"{seed}:utterance")
    arrivals = []
    for n, time_s in enumerate(times.tolist()):
        said = draw_utterance(words)
        while said.resolvable == hard[n]:
            said = draw_utterance(words)
        user, honours = users[n]
        arrivals.append(
            Arrival(
                intended_s=time_s,
                klass="chat",
                criticality="sheddable" if lowered[n] else _CRITICALITY["chat"],
                phase=phase_at(time_s),
                user=user,
                honours=honours,
                key=f"{seed}-chat-{n}",
                payload=_json({"utterance": said.text}),
                truth=said.truth,
                asked="sheddable" if lowered[n] else "",
                jitter=float(jitter[n]),
                resolvable=said.resolvable,
            )
        )
    return arrivals


def _menus(
    times: NDArray[np.float64], crowd: _Crowd, seed: int, phase_at: _PhaseAt
) -> list[Arrival]:
    jitter = _stream(seed, "menu", 1).random(len(times))
    return [
        Arrival(
            intended_s=time_s,
            klass="menu",
            criticality=_CRITICALITY["menu"],
            phase=phase_at(time_s),
            user=user,
            honours=honours,
            key=f"{seed}-menu-{n}",
            jitter=float(jitter[n]),
        )
        for n, (time_s, (user, honours)) in enumerate(
            zip(times.tolist(), crowd.deal("m", times), strict=True)
        )
    ]


def _checkouts(
    times: NDArray[np.float64], crowd: _Crowd, mix: Mix, seed: int, phase_at: _PhaseAt
) -> list[Arrival]:
    carts = Random(f"{seed}:cart")
    arrivals = []
    for n, (time_s, (user, honours)) in enumerate(
        zip(times.tolist(), crowd.deal("b", times), strict=True)
    ):
        cart = {
            "user": user,
            "shop": carts.choice(mix.shops),
            "items": [draw_order(carts).to_json()],
            "coupon": carts.random() < mix.coupon_share,
        }
        arrivals.append(
            Arrival(
                intended_s=time_s,
                klass="checkout",
                criticality=_CRITICALITY["checkout"],
                phase=phase_at(time_s),
                user=user,
                honours=honours,
                key=f"{seed}-checkout-{n}",
                payload=_json(cart),
                jitter=carts.random(),
            )
        )
    return arrivals


def _follow_ups(checkout: Arrival, mix: Mix, seed: int, phase_at: _PhaseAt) -> list[Arrival]:
    rng = Random(f"{seed}:{checkout.key}")
    wishes = [("payment", mix.pay_after_s)]
    wishes += [
        ("status", mix.pay_after_s + (k + 1) * mix.status_after_s)
        for k in range(rng.randint(1, mix.status_max))
    ]
    return [
        Arrival(
            intended_s=checkout.intended_s + after_s,
            klass=klass,
            criticality=_CRITICALITY[klass],
            phase=phase_at(checkout.intended_s + after_s),
            user=checkout.user,
            honours=checkout.honours,
            key=f"{checkout.key}-{klass}-{k}",
            parent=0,
            jitter=rng.random(),
        )
        for k, (klass, after_s) in enumerate(wishes)
    ]


def _child_of(arrival: Arrival, parent: int) -> Arrival:
    return dataclasses.replace(arrival, parent=parent)


def _hard(rng: np.random.Generator, count: int, share: float) -> NDArray[np.bool_]:
    """Which utterances rules cannot resolve: at least `share` of each block, in a drawn order."""
    block = np.arange(_BLOCK) < np.ceil(_BLOCK * share)
    blocks = [rng.permutation(block) for _ in range(count // _BLOCK + 1)]
    return np.concatenate(blocks)[:count]


def _poisson(
    seed: int, stream: str, segments: Sequence[Segment], scale: float = 1.0
) -> NDArray[np.float64]:
    rng = _stream(seed, stream)
    pieces = []
    for s in segments:
        mean = s.rps * scale * (s.end_s - s.start_s)
        if s.even:
            count = round(mean)
            shares = (np.arange(count) + rng.random(count)) / max(1, count)
            pieces.append(s.start_s + shares * (s.end_s - s.start_s))
        else:
            pieces.append(rng.uniform(s.start_s, s.end_s, rng.poisson(mean)))
    return np.sort(np.concatenate(pieces))


def _stream(seed: int, name: str, part: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, _STREAMS[name], part])


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
