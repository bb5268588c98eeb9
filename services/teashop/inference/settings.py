"""What the mock LLM server is told, and the capacity that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from teashop.serving.settings import Common

_COMMON: Final = Common(service="inference")


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceSettings:
    """Knobs of one replica; the defaults give two replicas a capacity of 64 requests a second."""

    common: Common = _COMMON
    model: str = "teashop-order-1"
    """The model's name in answers and metrics; requests may name any."""
    max_num_seqs: int = 16
    """Sequences that run at once (vLLM's name)."""
    max_waiting: int = 256
    """Sequences that may wait; one more is refused."""
    ttft_s: float = 0.08
    """Work before the first token, in seconds of a sequence that runs alone."""
    itl_s: float = 0.008
    """Work for each token, likewise."""
    tokens_full: int = 40
    """Tokens of a full answer; a request never gets more."""
    tokens_short: int = 20
    """Tokens of a short answer: what the gateway asks for on the `short` rung."""
    slowdown: float = 1.25
    """How many times longer each step takes at a full batch; linear in the running share."""
    deadline_margin_s: float = 0.02
    """Kept of the caller's remaining time for the answer's way back."""
    startup_s: float = 1.0
    """How long loading the model takes; not ready until then."""
    burn_share: float = 0.08
    """CPU to burn at a full batch, in cores; in proportion below."""
    error_share: float = 0.0
    """Share of utterances that get a wrong answer, chosen by a hash of seed and utterance."""
    retry_after_max_s: int = 30
    """The longest Retry-After."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, least in (
            ("max_num_seqs", 1),
            ("max_waiting", 0),
            ("tokens_full", 1),
            ("tokens_short", 1),
            ("retry_after_max_s", 2),
        ):
            value = int(getattr(self, name))
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        for name in ("ttft_s", "startup_s", "burn_share", "deadline_margin_s"):
            value_s = float(getattr(self, name))
            if not 0 <= value_s < math.inf:
                raise ValueError(f"{name} must be at least 0, got {value_s}")
        if not 0 < self.itl_s < math.inf:
            raise ValueError(f"itl_s must be above 0, got {self.itl_s}")
        if not 1 <= self.slowdown < math.inf:
            raise ValueError(f"slowdown must be at least 1, got {self.slowdown}")
        if not 0 <= self.error_share <= 1:
            raise ValueError(f"error_share must be between 0 and 1, got {self.error_share}")
        if self.burn_share > 1:
            raise ValueError(f"burn_share must be at most 1 core, got {self.burn_share}")
        if not self.model:
            raise ValueError("model must have a name")


def capacity_rps(settings: InferenceSettings, replicas: int, tokens: int | None = None) -> float:
    """K_th of DEFINITIONS.md: N·B / (f·(TTFT + tokens·ITL)) requests a second.

    Args:
        tokens: of each answer; None for the full answer.
    """
    length = settings.tokens_full if tokens is None else tokens
    held_s = settings.slowdown * (settings.ttft_s + length * settings.itl_s)
    return replicas * settings.max_num_seqs / held_s
