"""What `chaos discover teastorm` lists."""

import importlib
from importlib.metadata import version

from chaoslib.discovery.discover import (
    discover_actions,
    discover_activities,
    discover_probes,
    initialize_discovery_result,
)
from chaoslib.types import Discovery

ACTIONS = "teastorm.chaos.actions"
EDGES = "teastorm.chaos.edges"
PROBES = "teastorm.chaos.probes"
CONTROL = "teastorm.chaos.control"


def discovered(*, discover_system: bool) -> Discovery:
    """Our activities and controls; `system` names the services a fault can be in."""
    found: Discovery = initialize_discovery_result("teastorm", version("teastorm"), "teastorm")
    found["activities"].extend(discover_actions(ACTIONS))
    found["activities"].extend(discover_actions(EDGES))
    found["activities"].extend(discover_probes(PROBES))
    found["activities"].extend(discover_activities(CONTROL, "control"))
    if discover_system:
        base = importlib.import_module("teastorm.platforms.base")
        found["system"] = {"services": list(base.SERVICES)}
    return found
