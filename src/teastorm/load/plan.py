"""What load to offer: phases at factors of the capacity, a mix, the clients; and its JSON form."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from teastorm.load.curve import DemandCurve
from teastorm.load.errors import PlanInvalid
from teastorm.load.schedule import Segment
from teastorm.load.settings import Clients, Mix


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """A stretch of load.

    Attributes:
        name: e.g. baseline, fault, after; unique in a plan.
        seconds: how long.
        factor: chat (and menu) offered as a multiple of the capacity; with a curve, at its peak.
        curve: the shape inside the phase, compressed into `seconds`; None for a constant rate.
        fault: whether this phase belongs to the fault window.
        even: one arrival in each 1/rate seconds, at a drawn moment of it, instead of Poisson; for
            capacity steps, in which a few seconds of Poisson luck would weigh more than 5 %.
    """

    name: str
    seconds: float
    factor: float
    curve: DemandCurve | None = None
    fault: bool = False
    even: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty name, an empty stretch or a negative rate."""
        if not self.name:
            raise PlanInvalid("a phase needs a name.")
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise PlanInvalid(f"phase {self.name}: seconds must be above 0, got {self.seconds:g}.")
        if not (math.isfinite(self.factor) and self.factor >= 0):
            raise PlanInvalid(f"phase {self.name}: factor must be 0 or above, got {self.factor:g}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadPlan:
    """All the load of one run.

    Attributes:
        capacity_rps: K, chat requests a second at factor 1.
        phases: in order; those with `fault` must be neighbours.
        base_factor: the load before and after, as a factor; for the report.
    """

    capacity_rps: float
    phases: tuple[Phase, ...]
    mix: Mix = field(default_factory=Mix)
    clients: Clients = field(default_factory=Clients)
    base_factor: float = 0.7

    def __post_init__(self) -> None:
        """Refuse a plan that offers nothing or whose fault window is torn."""
        if not (math.isfinite(self.capacity_rps) and self.capacity_rps > 0):
            raise PlanInvalid(f"capacity_rps must be above 0, got {self.capacity_rps:g}.")
        if not self.phases:
            raise PlanInvalid("a plan needs at least one phase.")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise PlanInvalid(f"phase names must differ, got {', '.join(names)}.")
        marks = "".join("x" if phase.fault else "." for phase in self.phases)
        if "x" in marks.strip(".") and "." in marks.strip("."):
            raise PlanInvalid("phases of the fault window must follow one another.")

    @property
    def seconds(self) -> float:
        """Length of the load, without the tail in which the last answers come."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def bound_s(self) -> float:
        """By when the last client has given up, from the load's start; a bound for waiting."""
        clients, mix = self.clients, self.mix
        chain_s = mix.pay_after_s + mix.status_after_s * mix.status_max
        wish_s = clients.patience_s + max(clients.timeouts_s.values())
        return self.seconds + chain_s + 2 * wish_s

    def windows(self) -> list[tuple[Phase, float, float]]:
        """Each phase with its start and end, in seconds from the load's start."""
        found, start_s = [], 0.0
        for phase in self.phases:
            found.append((phase, start_s, start_s + phase.seconds))
            start_s += phase.seconds
        return found

    def fault_window(self) -> tuple[float, float] | None:
        """Start and end of the fault window from the load's start; None without one."""
        marked = [(a, b) for phase, a, b in self.windows() if phase.fault]
        return (marked[0][0], marked[-1][1]) if marked else None

    def segments(self) -> list[Segment]:
        """The chat rate as piecewise-constant steps."""
        steps: list[Segment] = []
        for index, (phase, start_s, end_s) in enumerate(self.windows()):
            peak_rps = phase.factor * self.capacity_rps
            if phase.curve is None or peak_rps == 0:
                steps.append(Segment(index, start_s, end_s, peak_rps, phase.even))
                continue
            # The phase's length decides the compression, so that a plan is one number shorter.
            time_factor = phase.curve.seconds / phase.seconds
            at_s = start_s
            for width_s, rps in phase.curve.compressed(time_factor=time_factor, peak_rps=peak_rps):
                steps.append(Segment(index, at_s, at_s + width_s, rps))
                at_s += width_s
        return steps

    def to_json(self) -> dict[str, object]:
        """The plan as JSON can say it; `from_json` gives it back."""
        return {
            "capacity_rps": self.capacity_rps,
            "base_factor": self.base_factor,
            "phases": [dataclasses.asdict(phase) for phase in self.phases],
            "mix": dataclasses.asdict(self.mix),
            "clients": {
                **{f.name: getattr(self.clients, f.name) for f in dataclasses.fields(Clients)},
                "deadlines_s": dict(self.clients.deadlines_s),
                "timeouts_s": dict(self.clients.timeouts_s),
            },
        }

    @classmethod
    def from_json(cls, raw: object) -> LoadPlan:
        """The plan from what `to_json` gave; `PlanInvalid` in one sentence otherwise."""
        top = _object(raw, "plan")
        try:
            phases = tuple(_phase(_object(entry, "phase")) for entry in _list(top["phases"]))
            mix = _object(top["mix"], "mix")
            mix["shops"] = tuple(map(str, _list(mix["shops"])))
            return cls(
                capacity_rps=_number(top["capacity_rps"]),
                base_factor=_number(top["base_factor"]),
                phases=phases,
                mix=Mix(**mix),  # type: ignore[arg-type]  # types are checked by Mix's own ranges
                clients=Clients(**_object(top["clients"], "clients")),  # type: ignore[arg-type]  # the same
            )
        except PlanInvalid:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise PlanInvalid(
                f"the load plan is not one that this version wrote ({error})."
            ) from None


def _phase(raw: dict[str, object]) -> Phase:
    curve = raw["curve"]
    if curve is not None:
        shape = _object(curve, "curve")
        curve = DemandCurve(
            name=str(shape["name"]),
            minutes=tuple(map(_number, _list(shape["minutes"]))),
            rates=tuple(map(_number, _list(shape["rates"]))),
        )
    return Phase(
        name=str(raw["name"]),
        seconds=_number(raw["seconds"]),
        factor=_number(raw["factor"]),
        curve=curve,
        fault=bool(raw["fault"]),
        even=bool(raw["even"]),
    )


def _object(raw: object, where: str) -> dict[str, object]:
    if not isinstance(raw, Mapping):
        raise PlanInvalid(f"the load plan's {where} must be an object.")
    return {str(key): value for key, value in raw.items()}


def _list(raw: object) -> list[object]:
    if not isinstance(raw, list | tuple):
        raise PlanInvalid("the load plan's lists must be lists.")
    return list(raw)


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise PlanInvalid(f"the load plan's numbers must be numbers, got {raw!r}.")
    return float(raw)
