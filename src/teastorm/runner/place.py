"""What depends on where an experiment runs: whether it can, and what its objectives allow for."""

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from teastorm.platforms.base import Platform
from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import usage
from teastorm.runner.shape import actions_in
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


@runtime_checkable
class AsksFirst(Protocol):
    """A platform on which somebody may lack a right that a fault takes."""

    def require_allowed(self, actions: Collection[str]) -> None:
        """`PlatformError` (3) for the first of these functions that would be refused."""
        ...


def may_run(experiment: Experiment, platform: Platform) -> None:
    """`PlatformError` (3) when the platform would refuse an action of the experiment midway."""
    if isinstance(platform, AsksFirst):
        platform.require_allowed(actions_in(experiment.document))


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
