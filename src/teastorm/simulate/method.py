"""What an experiment's method does to inference, as events of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.scenario import Event, Happening

_ACTIONS = ("teastorm.chaos.actions", "teastorm.chaos.edges")
_NO_FAULTS = frozenset({"begin_load", "finish_load", "surge", "roll_back_faults"})


def events_of(activities: Iterable[object], fault_start_s: float) -> tuple[Event, ...]:
    """Events from Chaos Toolkit activities; seconds from the load's start.

    Raises:
        ScenarioInvalid: a fault that the model does not have.
    """
    events: list[Event] = []
    for activity in activities:
        provider = _mapping(_mapping(activity).get("provider"))
        function, given = provider.get("func"), _mapping(provider.get("arguments"))
        if function == "scale_late":
            events.append(
                Event(
                    at_s=fault_start_s + _number(given.get("trigger_s")),
                    kind=Happening.SCALE,
                    count=int(_number(given.get("to"))),
                    startup_s=_number(given.get("startup_s")),
                )
            )
        elif function == "lose_replica" and given.get("service") == "inference":
            count = int(_number(given.get("count", 1)))
            events.append(Event(at_s=fault_start_s, kind=Happening.KILL, count=count))
        elif provider.get("module") in _ACTIONS and function not in _NO_FAULTS:
            subject = given.get("service") or given.get("callee") or "the shop"
            raise ScenarioInvalid(
                f"{function} of {subject} is not modelled; the simulator loses inference replicas"
                " and scales them, nothing else."
            )
    return tuple(events)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScenarioInvalid(f"the method's numbers must be numbers, got {value!r}.")
    return float(value)
