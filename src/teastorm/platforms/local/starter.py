"""How a replica of the shop is started here: the command that serves it, its settings, its log."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from teastorm.platforms.base import ShopPlan
from teastorm.platforms.local.layout import Layout
from teastorm.platforms.local.process import DEFAULT_NICENESS, NICENESS, Launched, launch

ENTRY = (sys.executable, "-m", "teashop.serving.run")
ENTRY_VARIABLE = "TEASTORM_SHOP_ENTRY"
"""Another command that serves a service, split as a shell would: for tests of the testbed."""


def usual_entry() -> tuple[str, ...]:
    """The command that serves a service: `TEASTORM_SHOP_ENTRY`, or the shop's own."""
    return tuple(shlex.split(os.environ.get(ENTRY_VARIABLE, ""))) or ENTRY


@dataclass(frozen=True, kw_only=True)
class Starter:
    """Starts replicas of one plan. `environment` is given to each besides this process's own."""

    entry: tuple[str, ...]
    plan: ShopPlan
    layout: Layout
    environment: Mapping[str, str]

    def start(self, service: str, replica_id: str, port: int, admin_port: int) -> Launched:
        """Write its settings and start it on loopback.

        `PlatformError` (3) when the program cannot be started, `OSError` when a file cannot be
        written.
        """
        settings = self.layout.write_settings(self.plan, service, replica_id)
        where = ["--host", "127.0.0.1", "--port", str(port), "--admin-port", str(admin_port)]
        return launch(
            [*self.entry, service, "--settings", str(settings), *where],
            log=self.layout.log_of(replica_id),
            extra_environment=self.environment,
            niceness=NICENESS.get(service, DEFAULT_NICENESS),
        )
