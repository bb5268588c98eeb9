"""What tests of the local platform share: the smallest shop, and a state file of this very process."""

import os

from teastorm.platforms.base import ShopPlan
from teastorm.platforms.local.process import start_time
from teastorm.platforms.local.state import RunState

ONE = ShopPlan(replicas={"gateway": 1})


def own_state(**changes: object) -> RunState:
    fields: dict[str, object] = {
        "runner_pid": os.getpid(),
        "runner_started_unix_s": start_time(os.getpid()),
        "work_dir": "/nowhere/teastorm-x",
        "endpoints_file": "/nowhere/teastorm-x/endpoints.json",
        "run_dir": None,
    }
    return RunState(**(fields | changes))  # type: ignore[arg-type] # some tests give wrong ones
