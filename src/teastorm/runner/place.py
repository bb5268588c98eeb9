"""What depends on where an experiment runs: whether it can, and what its objectives allow for."""

from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import usage
from teastorm.verdict.slo import Slo

CLUSTER = "kubernetes"
CLUSTER_LAG_MS = 20.0
"""Send lag (p99) that voids a run while a cluster shares the machine (DEFINITIONS.md)."""


def runs_on(experiment: Experiment, platform: str) -> None:
    """RunProblem (2) when the experiment needs another platform than the chosen one."""
    if experiment.platform is not None and experiment.platform != platform:
        raise usage(
            f"{experiment.path}: needs the {experiment.platform} platform and {platform} was "
            f"chosen; run it with --platform {experiment.platform}"
        )


def objectives_on(slo: Slo, platform: str) -> Slo:
    """The objectives there: a generator beside a cluster is allowed a longer send lag."""
    lag = slo.objectives["generator-healthy"]
    if platform != CLUSTER or lag.limit >= CLUSTER_LAG_MS:
        return slo
    return slo.with_overrides(
        {"generator-healthy": {"limit": CLUSTER_LAG_MS}}, "objectives on a cluster"
    )
