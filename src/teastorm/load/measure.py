"""The two ends of one capacity step: the plan that offers a rate, and the result of its log."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa

from teastorm.load.capacity import CapacityConfig, StepResult
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.settings import Clients, Mix

_FILLING = 0.3  # share of a step in which the batch fills; latency grows there at any rate


def step_plan(rate_rps: float, config: CapacityConfig, mix: Mix, clients: Clients) -> LoadPlan:
    """Chat at `rate_rps`, evenly, with the critical mix beside it and without any retry."""
    return LoadPlan(
        capacity_rps=rate_rps,
        phases=(Phase(name="step", seconds=config.step_seconds(rate_rps), factor=1.0, even=True),),
        mix=mix,
        clients=dataclasses.replace(clients, retries=0),
        base_factor=1.0,
    )


def step_result(requests: pa.Table, deadline_s: float) -> StepResult:
    """Share of chat arrivals that were right, on the full rung and in time; and latency's growth.

    Args:
        requests: a request log, as `records.read_requests` gives it.
    """
    chat = np.asarray(requests["class"].to_pylist(), dtype=object) == "chat"
    chosen = np.flatnonzero(chat & requests["final"].to_numpy())
    intended_s = requests["intended_s"].to_numpy()[chosen]
    latency_s = requests["ended_s"].to_numpy()[chosen] - intended_s
    rung = np.asarray(requests["rung"].to_pylist(), dtype=object)[chosen]
    right = requests["right"].to_numpy()[chosen] & (rung == "full")
    good = right & (latency_s <= deadline_s)
    if not len(chosen):
        return StepResult(good_share=0.0, samples=0)
    start_s = intended_s.min()
    filled = intended_s >= start_s + _FILLING * (intended_s.max() - start_s)
    use = right & filled & np.isfinite(latency_s)
    growth = float(np.polyfit(intended_s[use], latency_s[use], 1)[0]) if use.sum() >= 20 else 0.0
    return StepResult(good_share=float(good.mean()), samples=len(chosen), growth=growth)
