"""The shop of an experiment: its plan for a platform, and what a verdict must know of it.

The testbed may not look inside a service, so it sets the AI's speed itself instead of assuming the
defaults: what run.json says is then what the replicas were told.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from teashop.serving.settings import Protections
from teastorm.platforms.base import ShopPlan
from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import usage

CAPACITY_ON = ("balancing",)
"""On while K is measured: nothing that refuses, degrades, drops or repeats (DEFINITIONS.md)."""


@dataclass(frozen=True, kw_only=True)
class InferenceSpeed:
    """The mock AI's numbers; seconds of a sequence that runs alone."""

    max_num_seqs: int = 16
    ttft_s: float = 0.08
    itl_s: float = 0.008
    tokens_full: int = 40
    tokens_short: int = 20
    slowdown: float = 1.25

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")

    def theory_rps(self, replicas: int) -> float:
        """K_th = N·B / (f·(TTFT + tokens·ITL)), full answers a second of `replicas`."""
        held_s = self.slowdown * (self.ttft_s + self.tokens_full * self.itl_s)
        return replicas * self.max_num_seqs / held_s


def speed_of(experiment: Experiment) -> InferenceSpeed:
    """The AI's numbers of an experiment: its own settings over ours."""
    names = set(InferenceSpeed.__dataclass_fields__)
    given = {k: v for k, v in experiment.settings.get("inference", {}).items() if k in names}
    try:
        return InferenceSpeed(**given)  # type: ignore[arg-type]  # __post_init__ compares them
    except (TypeError, ValueError) as error:
        raise usage(f"{experiment.path}: settings.inference: {error}") from error


def plan_of(
    experiment: Experiment,
    *,
    protections: Mapping[str, bool],
    seed: int,
    run_dir: Path | None,
    extra: Mapping[str, Mapping[str, object]] | None = None,
) -> ShopPlan:
    """The shop for one arm."""
    settings: dict[str, dict[str, object]] = {
        service: dict(fields) for service, fields in experiment.settings.items()
    }
    settings["inference"] = asdict(speed_of(experiment)) | settings.get("inference", {})
    speed = speed_of(experiment)
    lengths = {"tokens_full": speed.tokens_full, "tokens_short": speed.tokens_short}
    settings["gateway"] = lengths | settings.get("gateway", {})
    for service, fields in (extra or {}).items():
        settings[service] = settings.get(service, {}) | dict(fields)
    return ShopPlan(
        replicas=experiment.replicas,
        protections=protections,
        seed=seed,
        time_factor=experiment.time_factor,
        settings=MappingProxyType(settings),
        startup_s=experiment.startup_s,
        run_dir=run_dir,
    )


def capacity_protections() -> dict[str, bool]:
    """The switches while K is measured."""
    return {name: name in CAPACITY_ON for name in Protections.names()}


def difference(protections: Mapping[str, bool]) -> dict[str, list[bool]]:
    """`{name: [protected, this arm]}` where this arm differs from the protected one."""
    return {name: [True, on] for name, on in protections.items() if not on}
