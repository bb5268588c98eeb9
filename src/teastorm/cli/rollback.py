"""`teastorm rollback`: end the faults that a run left on a cluster when it died."""

from pathlib import Path

import click

from teastorm.cli import cluster
from teastorm.cli.output import json_option


@click.command()
@cluster.cluster_options
@json_option
def rollback(
    *,
    platform: str,
    context: str | None,
    namespace: str,
    gateway_url: str,
    values: tuple[Path, ...],
    chart: Path,
    as_json: bool,
) -> int:
    """End faults that a dead run left in the cluster's namespace; the shop stays.

    On this machine a dead run's faults are its processes: `teastorm down` ends them.
    """
    settings = cluster.settings_of(platform, context, namespace, gateway_url, values, chart)
    if settings is None:
        raise click.UsageError(
            "on the local platform faults end with their processes: `teastorm down`; "
            "for a cluster: --platform kubernetes --context NAME"
        )
    return cluster.rollback(settings, as_json=as_json)
