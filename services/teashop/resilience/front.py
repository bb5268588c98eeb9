"""A gateway replica's policies put together, and the order in which a request meets them.

The gateway wraps HTTP and asyncio around it, the simulator a virtual clock: both ask the same
object the same questions. Time and chance are arguments; nothing here waits.
"""

import random
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from teashop.resilience.admission import Permit
from teashop.resilience.backlog import Backlog
from teashop.resilience.bounds import ai_limit, ai_queue, orders_limit, orders_queue
from teashop.resilience.comebacks import Comebacks
from teashop.resilience.criticality import Criticality
from teashop.resilience.front_config import FrontConfig
from teashop.resilience.ladder import Rung
from teashop.resilience.pressure import Pressure
from teashop.resilience.protections import Protections
from teashop.resilience.quota import QuotaConfig, QuotaExceeded, Quotas
from teashop.resilience.room import Room
from teashop.resilience.waiting_room import Ticket, WaitingRoom, WaitingRoomConfig


class Held(IntEnum):
    """Whether the priorities hold a chat back from the AI."""

    NO = 0
    YES = 1
    LEVEL = 2
    """Its whole level is shed: the AI is not for it, whatever stands empty there."""


# Looking a member up costs a call, and comparing a level with a member is no plain comparison.
_NOT_HELD: Final = Held.NO
_HELD: Final = Held.YES
_LEVEL_HELD: Final = Held.LEVEL
_RULES: Final = Rung.RULES
_MENU: Final = Rung.MENU
_TICKET: Final = Rung.TICKET
_CHAT: Final = int(Criticality.SHEDDABLE_PLUS)
_LOWEST: Final = int(Criticality.SHEDDABLE)
_NOBODY: Final = len(Criticality)
"""The level at which a threshold sheds nobody."""


class Front[W]:
    """Belongs to one event loop (or to one simulated replica).

    Args:
        admit, refuse: see `room.Room`; W is what stands in its line.

    Attributes:
        door: pressure on this process; needs no dependency.
        ai, orders: pressure on the two dependencies; ai_room, orders_room: their places;
            ai_backlog, orders_backlog: the demand before them.
        comebacks: whoever is sent away is told by it when to come back.
        tokens_menu, tokens_ticket: buckets that bound the menu and ticket rungs.
    """

    __slots__ = ("_ai_threshold", "_door_threshold", "_full", "_full_answer_s", "_ladder",
                 "_orders_threshold", "_priorities", "_quotas_on", "_seen_ai", "_seen_orders", "_short",
                 "_short_answer_s", "_tickets_on", "ai", "ai_backlog", "ai_room", "comebacks", "config",
                 "door", "on", "orders", "orders_backlog", "orders_room", "quotas", "tokens_menu",
                 "tokens_ticket", "waiting_room")  # fmt: skip

    def __init__(
        self,
        config: FrontConfig,
        on: Protections,
        *,
        admit: Callable[[W, Permit], bool],
        refuse: Callable[[W, str], None],
    ) -> None:
        self.config = config
        self.on = on
        # What is asked of every request, one attribute away.
        self._priorities = on.priorities
        self._quotas_on = on.quotas
        self._ladder = on.ladder
        self._tickets_on = on.waiting_room
        self._short_answer_s = config.short_answer_s
        self._full_answer_s = config.full_answer_s
        self._full = (Rung.FULL, config.tokens_full)
        self._short = (Rung.SHORT, config.tokens_short)
        self.door = Pressure("gateway", on=on.priorities)
        self.ai = Pressure("inference", on=on.priorities)
        self.orders = Pressure("orders", on=on.priorities)
        self._door_threshold = self.door.threshold
        self._ai_threshold = self.ai.threshold
        self._orders_threshold = self.orders.threshold
        self.ai_room: Room[W] = Room(
            "inference",
            ai_limit(config, on),
            ai_queue(config, on),
            admit=admit,
            refuse=refuse,
            crowded=self._ai_is_crowded,
        )
        self.orders_room: Room[W] = Room(
            "orders",
            orders_limit(config, on),
            orders_queue(config, on),
            admit=admit,
            refuse=refuse,
        )
        self.ai_backlog = Backlog(floor_rps=4.0, cap_s=config.retry_after_cap_s)
        self.orders_backlog = Backlog(floor_rps=10.0, cap_s=config.retry_after_cap_s)
        self.comebacks = Comebacks(
            ai=(self.ai_room, self.ai_backlog), orders=(self.orders_room, self.orders_backlog)
        )
        self.quotas = Quotas(
            QuotaConfig(rate_rps=config.quota_rps, burst=config.quota_burst, max_users=50_000)
        )
        self.tokens_menu = bucket(config.menu_rps)
        self.tokens_ticket = bucket(config.ticket_rps)
        self.waiting_room = WaitingRoom(WaitingRoomConfig(), config.ticket_secret.encode())
        self._seen_ai = 0
        self._seen_orders = 0

    def observe(self, now_s: float, lag_s: float) -> None:
        """Let the three thresholds vote; about ten times a second.

        Args:
            lag_s: how late this process's event loop wakes, smoothed.
        """
        if not self._priorities:
            return
        self._door_threshold.observe(now_s, lag_s > self.config.door_lag_s)
        full = self.ai_room.full_moments
        self._ai_threshold.observe(now_s, full > self._seen_ai)
        self._seen_ai = full
        full = self.orders_room.full_moments
        self._orders_threshold.observe(now_s, full > self._seen_orders)
        self._seen_orders = full

    def _ai_is_crowded(self, rank: int) -> None:
        # A redeemed ticket stands before its own level; that says where in line, not how important.
        self.ai.crowd_out(rank if rank > _CHAT else _CHAT)

    def lets_in(self, criticality: int, user: str, now_s: float) -> bool:
        """The door: quota first, then the process's own threshold, before a body is read.

        Raises:
            QuotaExceeded: this user asks too often.
        """
        if self._quotas_on and user:
            early_s = self.quotas.early_s(user, now_s)
            if early_s > 0.0:
                raise QuotaExceeded("this user is over its quota.", retry_after_s=early_s)
        if not self._priorities:
            return True
        threshold = self._door_threshold
        if criticality < threshold.whole:
            threshold.offered[criticality] += 1
            return True
        return threshold.admits(criticality, user, now_s)

    def held_back(self, rank: int, user: str, now_s: float) -> Held:
        """Whether the priorities keep a chat of this rank from the AI; counts it as offered."""
        if not self._priorities:
            return _NOT_HELD
        threshold = self._ai_threshold
        if rank < threshold.whole:
            threshold.offered[rank] += 1
        elif not threshold.admits(rank, user, now_s):
            return _LEVEL_HELD if rank > threshold.level else _HELD
        # Where places run short the next one is for somebody more important than the lowest.
        return _NOT_HELD if rank != _LOWEST or self.ai_room.has_headroom else _HELD

    def orders_admit(self, criticality: int, user: str, now_s: float) -> bool:
        """Whether the priorities let a request of this level through to orders."""
        if not self._priorities:
            return True
        threshold = self._orders_threshold
        if criticality < threshold.whole:
            threshold.offered[criticality] += 1
            return True
        return threshold.admits(criticality, user, now_s)

    def hears_out(self, held: Held) -> bool:
        """Whether a chat's body is worth reading, though its whole level may be shed.

        What its level is shed for is the AI; rules, cache and menu cost this process hardly more
        than a refusal. They are for it unless this process is what is short: once the door sheds
        anybody, a shed level is refused before its body costs anything.
        """
        return held is not _LEVEL_HELD or (self._ladder and self._door_threshold.whole == _NOBODY)

    def spares_ai(self, held: Held, rank: int) -> bool:
        """Whether a chat that is understood without AI leaves the AI to others.

        While its level is shed or thinned out and the AI has no headroom, each place goes to
        somebody whom only the AI understands; where there is headroom nobody is in its way, and
        the AI never idles. A redeemed ticket has waited for its place.
        """
        if not self._ladder or rank < _CHAT:
            return False
        if held is _LEVEL_HELD:
            return True
        return self._ai_threshold.whole <= rank and not self.ai_room.has_headroom

    def may_ask(self, held: Held, rank: int) -> bool:
        """Whether it may ask the AI all the same.

        A place that would stand empty is for whoever of the thinned-out level comes first; the
        level that can be lowered to has to wait for the threshold, or it would overtake.
        """
        return not held or (held is _HELD and rank < _LOWEST and self.ai_room.has_place)

    def in_time(self, deadline_s: float | None, now_s: float) -> bool:
        """Whether at least a short answer can still be ready before nobody waits for it."""
        return deadline_s is None or deadline_s - now_s >= self._short_answer_s

    def length(self, deadline_s: float | None, now_s: float) -> tuple[Rung, int]:
        """The rung and its tokens: short only where a full answer would come too late."""
        if deadline_s is not None and self._ladder:
            left_s = deadline_s - now_s
            if self._short_answer_s <= left_s < self._full_answer_s:
                return self._short
        return self._full

    def below(
        self, now_s: float, understood: bool, waited: bool, named: bool, held: Held = _NOT_HELD
    ) -> Rung | None:
        """The best rung without AI: RULES for whoever is understood, MENU, TICKET; or nothing.

        The menu and tickets are bounded: a menu that everybody gets would only bring everybody
        back at once, and a ticket is a promise. A level that is shed as a whole leaves half of the
        menus to those above it, and gets no promise of the AI.

        Args:
            understood: rules or cache know what was meant.
            waited: the caller was kept waiting for the AI; the menu's bound is not for those,
                since a refusal that comes late is worth less than one at once.
            named: the request has the key that a ticket is bound to.
        """
        shed = held is _LEVEL_HELD
        if self._ladder:
            if understood:
                return _RULES
            if shed and not self.tokens_menu.has_half("", now_s):
                return None
            if waited or self.tokens_menu.early_s("", now_s) == 0.0:
                return _MENU
        if shed or not self._tickets_on or not named or not self.tokens_ticket.conforms("", now_s):
            return None
        waiting = self.ai_room.waiting
        if not self.waiting_room.has_room(waiting, self.ai_backlog.rate_rps(now_s)):
            return None
        return _TICKET if self.tokens_ticket.early_s("", now_s) == 0.0 else None

    def ticket(
        self, user: str, key: str, now_s: float, now_unix_s: float, rng: random.Random
    ) -> Ticket:
        """The ticket bound to `key` that TICKET of `below` stands for; behind whoever waits here."""
        ahead = self.ai_backlog.size(now_s, self.ai_room.waiting)
        rate_rps = self.ai_backlog.rate_rps(now_s)
        return self.waiting_room.issue(user, key, now_unix_s, ahead, rate_rps, rng)


def bucket(rate_rps: float) -> Quotas:
    """A token bucket for one thing, a second's worth deep."""
    return Quotas(QuotaConfig(rate_rps=rate_rps, burst=max(1.0, rate_rps), max_users=1))
