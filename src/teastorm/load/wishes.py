"""What everybody wants: arrivals with user, payload and truth, at times that were drawn before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from teashop.catalog.utterances import draw as draw_utterance
from teashop.catalog.utterances import draw_order
from teastorm.load.chance import Crowd, hard_ones, stream
from teastorm.load.schedule import Arrival
from teastorm.load.settings import Mix

_CRITICALITY = {
    "chat": "sheddable_plus",
    "checkout": "critical",
    "payment": "critical_plus",
    "status": "critical_plus",
    "menu": "sheddable",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """Draws the arrivals of one run, a class at a time; `times` are seconds from the load's start.

    Each class has its own streams, but users are dealt from one crowd: chats, menus, checkouts is
    the order in which a seed gives the same bytes again.
    """

    seed: int
    mix: Mix
    crowd: Crowd
    phase_at: Callable[[float], str]

    def chats(self, times: NDArray[np.float64]) -> list[Arrival]:
        """One utterance each; some lower themselves, at least the promised share is hard."""
        seed, mix = self.seed, self.mix
        rng = stream(seed, "utterance")
        lowered = rng.random(len(times)) < mix.lowered_share
        jitter = rng.random(len(times))
        hard = hard_ones(rng, len(times), mix.unresolvable_share)
        users: list[tuple[str, bool]] = [("", False)] * len(times)
        for prefix, chosen in (("c", np.flatnonzero(~lowered)), ("s", np.flatnonzero(lowered))):
            for index, dealt in zip(chosen, self.crowd.deal(prefix, times[chosen]), strict=True):
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
                    phase=self.phase_at(time_s),
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

    def menus(self, times: NDArray[np.float64]) -> list[Arrival]:
        """Who looks at the menu."""
        jitter = stream(self.seed, "menu", 1).random(len(times)).tolist()
        return [
            self._arrival("menu", time_s, who, f"{self.seed}-menu-{n}", jitter=jitter[n])
            for n, (time_s, who) in enumerate(self._dealt("m", times))
        ]

    def checkouts(self, times: NDArray[np.float64]) -> list[Arrival]:
        """One cart each."""
        carts = Random(f"{self.seed}:cart")
        arrivals = []
        for n, (time_s, who) in enumerate(self._dealt("b", times)):
            cart = {
                "user": who[0],
                "shop": carts.choice(self.mix.shops),
                "items": [draw_order(carts).to_json()],
                "coupon": carts.random() < self.mix.coupon_share,
            }
            key = f"{self.seed}-checkout-{n}"
            arrivals.append(
                self._arrival(
                    "checkout", time_s, who, key, payload=_json(cart), jitter=carts.random()
                )
            )
        return arrivals

    def follow_ups(self, checkout: Arrival) -> list[Arrival]:
        """Its payment and its status questions; `parent` is 0 until places are known."""
        mix = self.mix
        rng = Random(f"{self.seed}:{checkout.key}")
        wishes = [("payment", mix.pay_after_s)]
        wishes += [
            ("status", mix.pay_after_s + (k + 1) * mix.status_after_s)
            for k in range(rng.randint(1, mix.status_max))
        ]
        time_s, who = checkout.intended_s, (checkout.user, checkout.honours)
        return [
            self._arrival(
                klass,
                time_s + after_s,
                who,
                f"{checkout.key}-{klass}-{k}",
                parent=0,
                jitter=rng.random(),
            )
            for k, (klass, after_s) in enumerate(wishes)
        ]

    def _dealt(
        self, prefix: str, times: NDArray[np.float64]
    ) -> Iterator[tuple[float, tuple[str, bool]]]:
        """Each time with a user and whether that one honours Retry-After."""
        return zip(times.tolist(), self.crowd.deal(prefix, times), strict=True)

    def _arrival(
        self,
        klass: str,
        time_s: float,
        who: tuple[str, bool],
        key: str,
        *,
        jitter: float,
        payload: bytes = b"",
        parent: int = -1,
    ) -> Arrival:
        """One of a class that has the criticality of its route, and no truth."""
        user, honours = who
        return Arrival(
            intended_s=time_s,
            klass=klass,
            criticality=_CRITICALITY[klass],
            phase=self.phase_at(time_s),
            user=user,
            honours=honours,
            key=key,
            payload=payload,
            parent=parent,
            jitter=jitter,
        )


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
