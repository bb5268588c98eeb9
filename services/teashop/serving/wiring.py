"""Builds the outgoing client and its discovery from the common settings."""

from __future__ import annotations

import random
from pathlib import Path

from prometheus_client import CollectorRegistry

from teashop.serving.client import ClientConfig, Outgoing
from teashop.serving.clock import Clock
from teashop.serving.discovery import Discovery, DnsDiscovery, FileDiscovery
from teashop.serving.edges import EdgeFaults
from teashop.serving.names import Names
from teashop.serving.settings import Common


def discovery(common: Common, clock: Clock, names: Names | None = None) -> Discovery:
    """The watched file where one is named, else DNS."""
    if common.endpoints_file is not None:
        return FileDiscovery(Path(common.endpoints_file), clock, names=names)
    return DnsDiscovery(common.endpoints_dns, clock, names=names)


def outgoing(
    common: Common,
    *,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    edges: EdgeFaults,
    config: ClientConfig | None = None,
) -> Outgoing:
    """The one outgoing client of a service.

    Args:
        edges: the faults between services that its admin port sets (`Faults.edges`).
    """
    return Outgoing(
        common=common,
        discovery=discovery(common, clock, Names(clock, edges=edges, registry=registry)),
        clock=clock,
        rng=rng,
        registry=registry,
        config=config,
        edges=edges,
    )
