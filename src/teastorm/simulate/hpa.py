"""A manifest as the autoscaler of a simulation: its metrics by the names that the model knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from teastorm.autoscale.manifest import Manifest
from teastorm.simulate.scaling import Scaling

EXPORTED: Mapping[str, str] = MappingProxyType(
    {"teashop_in_flight": "in_flight", "teashop_offered_rps": "offered_rps"}
)
"""What the shop exports to the model's own names; a manifest may use either."""


def scaling_of(manifest: Manifest, names: Mapping[str, str] = EXPORTED) -> Scaling:
    """The autoscaler that a manifest describes and what it plans, with the usual delays.

    Args:
        names: metrics of the manifest to those of the model; one that is not there keeps its name.

    Raises:
        ScenarioInvalid: the model has no such metric.
    """
    metrics = tuple(
        dataclasses.replace(metric, name=names.get(metric.name, metric.name))
        for metric in manifest.metrics
    )
    return Scaling(spec=manifest.spec, metrics=metrics, planned=manifest.planned)
