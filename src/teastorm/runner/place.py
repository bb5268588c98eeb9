"""What depends on where an experiment runs: whether it can, and what its objectives allow for."""

from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import usage
from teastorm.verdict.slo import Slo

CLUSTER = "kubernetes"
CLUSTER_LIMITS_MS = {"generator-healthy": 20.0, "refusals-fast": 200.0}
"""What a cluster that shares the generator's machine is allowed (p99).

The send lag is DEFINITIONS.md's. A refusal counts from its intended send, so that lag is in it, and
so are the nodes' own doings: on two cores with three nodes, 92 ms were measured where the shop's
own processes refuse within 15.
"""


def runs_on(experiment: Experiment, platform: str) -> None:
    """RunProblem (2) when the experiment needs another platform than the chosen one."""
    if experiment.platform is not None and experiment.platform != platform:
        raise usage(
            f"{experiment.path}: needs the {experiment.platform} platform and {platform} was "
            f"chosen; run it with --platform {experiment.platform}"
        )


def objectives_on(slo: Slo, platform: str) -> Slo:
    """The objectives there: on a cluster no narrower than `CLUSTER_LIMITS_MS`."""
    if platform != CLUSTER:
        return slo
    wider = {
        name: {"limit": limit}
        for name, limit in CLUSTER_LIMITS_MS.items()
        if slo.objectives[name].limit < limit
    }
    return slo.with_overrides(wider, "objectives on a cluster") if wider else slo
