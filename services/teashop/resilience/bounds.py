"""What bounds a gateway's calls to its two dependencies: how many at once, and who waits in line.

And what an answer of the AI tells its limit. Without the admission protection there is no limit.
"""

from typing import Final

from teashop.resilience.aimd import AimdConfig, AimdLimit
from teashop.resilience.front_config import FrontConfig
from teashop.resilience.limit import FixedLimit, Limit
from teashop.resilience.protections import Protections
from teashop.resilience.queue_config import QueueConfig

_NO_LIMIT: Final = 1_000_000
_ORDERS_TOLERANCE: Final = 4.0
_ORDERS_TARGET_S: Final = 0.1
_ORDERS_INTERVAL_S: Final = 0.5


def ai_limit(config: FrontConfig, on: Protections) -> Limit:
    """Chats in flight towards inference."""
    if not on.admission:
        return FixedLimit(_NO_LIMIT)
    return AimdLimit(
        AimdConfig(
            initial=config.ai_limit_initial,
            minimum=config.ai_limit_min,
            maximum=config.ai_limit_max,
            tolerance=config.ai_tolerance,
        )
    )


def ai_queue(config: FrontConfig, on: Protections) -> QueueConfig:
    """The line of chats that wait for a place."""
    return QueueConfig(
        capacity=config.ai_queue,
        target_s=config.ai_queue_target_s,
        interval_s=config.ai_queue_interval_s,
        codel=on.codel,
        adaptive_lifo=on.codel,
        priorities=on.priorities,
    )


def orders_limit(config: FrontConfig, on: Protections) -> Limit:
    """Requests in flight towards orders."""
    if not on.admission:
        return FixedLimit(_NO_LIMIT)
    return AimdLimit(
        AimdConfig(
            initial=config.orders_limit_initial,
            minimum=config.orders_limit_min,
            maximum=config.orders_limit_max,
            tolerance=_ORDERS_TOLERANCE,
        )
    )


def orders_queue(config: FrontConfig, on: Protections) -> QueueConfig:
    """The line before orders, in order of coming whatever the load."""
    return QueueConfig(
        capacity=config.orders_queue,
        target_s=_ORDERS_TARGET_S,
        interval_s=_ORDERS_INTERVAL_S,
        codel=on.codel,
        adaptive_lifo=False,
        priorities=on.priorities,
    )


def ai_outcome(rung: str, refusal: str | None) -> str:
    """What an answer of the AI tells the limit; `refusal` is its reason if it is one.

    A caller who came late is refused for its own lateness, and a short answer is quicker than a
    full one: neither tells how loaded the AI is.
    """
    if refusal is not None:
        return "ignored" if refusal == "deadline" else "dropped"
    return "ok" if rung == "full" else "ignored"
