"""The demand that a session tunes for, from a file or from points; its refusals are a session's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teastorm.simulate import demand_file
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.tune.errors import TuneInvalid


def read_file(path: Path, *, peak_rps: float) -> Demand:
    """A curve (`minute,relative_rate`, its peak at `peak_rps`) or rates (`time_s,rps`).

    Raises:
        TuneInvalid: the file, the row and the fix in one sentence.
    """
    with _as_a_sessions():
        found = demand_file.read_demand(path)
        if isinstance(found, Demand):
            return found
        return Demand.of_curve(found, peak_rps=peak_rps)


def of_points(name: str, points: list[tuple[float, float]]) -> Demand:
    """A demand from `(time_s, rps)`, each rate holding until the next time; TuneInvalid."""
    with _as_a_sessions():
        return demand_file.of_points(name, points)


def rates_at(demand: Demand, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chats a second at each time, in seconds from the demand's start; the last step holds at its end."""
    ends = np.array([step.end_s for step in demand.steps])
    rates = np.array([step.rps for step in demand.steps], dtype=np.float64)
    return rates[np.minimum(np.searchsorted(ends, at_s, side="right"), len(rates) - 1)]


@contextmanager
def _as_a_sessions() -> Iterator[None]:
    """What the simulator refuses as a demand, a session does."""
    try:
        yield
    except ScenarioInvalid as error:
        raise TuneInvalid(str(error).rstrip(".")) from error
