"""A wrong setting is refused when it is read, in one sentence that names the field."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from teashop.resilience.aimd import AimdConfig
from teashop.resilience.baseline import BaselineConfig
from teashop.resilience.breaker import BreakerConfig
from teashop.resilience.gradient import GradientConfig
from teashop.resilience.notice import NoticeConfig
from teashop.resilience.priority import PriorityConfig
from teashop.resilience.queue_config import QueueConfig
from teashop.resilience.quota import QuotaConfig
from teashop.resilience.retry import RetryBudgetConfig
from teashop.resilience.retry_after import RetryAfterConfig
from teashop.resilience.two_choices import BalancerConfig
from teashop.resilience.waiting_room import WaitingRoomConfig

BAD: list[tuple[Callable[..., Any], str, float]] = [
    (AimdConfig, "minimum", 0),
    (AimdConfig, "maximum", 1),
    (AimdConfig, "initial", 100_000),
    (AimdConfig, "tolerance", 1.0),
    (AimdConfig, "backoff", 1.0),
    (AimdConfig, "doubt", 1.0),
    (AimdConfig, "judged", 0),
    (AimdConfig, "slack_s", -1.0),
    (BaselineConfig, "window_s", 0.0),
    (BaselineConfig, "drift_per_minute", -0.1),
    (BaselineConfig, "probe_share", 1.5),
    (GradientConfig, "queue", 0),
    (GradientConfig, "smoothing", 0.0),
    (GradientConfig, "long_window", 5),
    (GradientConfig, "climb", 0.5),
    (PriorityConfig, "window_s", 0.0),
    (PriorityConfig, "tighten", 0.5),
    (PriorityConfig, "floor", 5.0),
    (PriorityConfig, "rotation_s", 0.0),
    (PriorityConfig, "hurry", 0),
    (QueueConfig, "capacity", -1),
    (QueueConfig, "target_s", 0.0),
    (QueueConfig, "interval_s", 0.01),
    (QuotaConfig, "rate_rps", 0.0),
    (QuotaConfig, "burst", 0.5),
    (QuotaConfig, "max_users", 0),
    (RetryBudgetConfig, "ratio", 1.5),
    (RetryBudgetConfig, "reserve", -1.0),
    (RetryBudgetConfig, "ceiling", 1.0),
    (BreakerConfig, "failure_share", 0.0),
    (BreakerConfig, "min_calls", 0),
    (BreakerConfig, "window_calls", 5),
    (BreakerConfig, "open_s", 0.0),
    (BreakerConfig, "probes", 0),
    (BalancerConfig, "decay_s", 0.0),
    (BalancerConfig, "max_ejected", 1.0),
    (BalancerConfig, "eject_after", 0),
    (RetryAfterConfig, "minimum_s", 0),
    (RetryAfterConfig, "maximum_s", 1),
    (RetryAfterConfig, "jitter", 2.0),
    (WaitingRoomConfig, "hold_s", 0.0),
    (WaitingRoomConfig, "replicas", 0),
    (NoticeConfig, "lead_s", float("nan")),
    (NoticeConfig, "confirm", 0),
    (NoticeConfig, "caution", 0.5),
]


@pytest.mark.parametrize(
    ("config", "field", "value"), BAD, ids=lambda part: getattr(part, "__name__", str(part))
)
def test_refuses(config: Callable[..., Any], field: str, value: float) -> None:
    name = re.escape(f"{getattr(config, '__name__', '')}.{field} must be ")
    with pytest.raises(ValueError, match=f"^{name}.*got .*\\.$"):
        config(**{field: value})


def test_defaults_are_accepted() -> None:
    for config in {config for config, _, _ in BAD}:
        assert config() == config()
