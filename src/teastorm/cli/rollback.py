"""`teastorm rollback`: end the faults that a run left on a cluster when it died."""

from typing import TYPE_CHECKING

import click

from teastorm.cli import cluster, on_cluster
from teastorm.cli.output import json_option

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings


@click.command()
@cluster.cluster_options
@json_option
def rollback(
    *,
    where: "ClusterSettings | None",
    as_json: bool,
) -> int:
    """End faults that a dead run left in the cluster's namespace; the shop stays.

    On this machine a dead run's faults are its processes: `teastorm down` ends them.
    """
    if where is None:
        raise click.UsageError(
            "on the local platform faults end with their processes: `teastorm down`; "
            "for a cluster: --platform kubernetes --context NAME"
        )
    return on_cluster.rollback(where, as_json=as_json)
