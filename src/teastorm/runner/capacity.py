"""The capacity K of an experiment's shop: measured once, kept, shared by every arm.

It is measured on a shop of its own with everything off that refuses, degrades or repeats
(DEFINITIONS.md), and kept in the state folder under a hash of all that decides it.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import orjson

from teastorm.chaos.offer import start_generator
from teastorm.load.capacity import Capacity, CapacityConfig, Step, StepResult, find_capacity
from teastorm.load.errors import LoadError
from teastorm.load.measure import step_plan, step_result
from teastorm.load.records import read_requests
from teastorm.platforms.base import Platform
from teastorm.platforms.local.cleanup import MEASURING_PREFIX
from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import PRECONDITION, RunProblem
from teastorm.runner.shop import capacity_protections, plan_of, speed_of
from teastorm.whole_file import write_whole

SCHEMA = "teastorm.capacity/1"
KEPT_S = 24 * 3600.0

type Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A capacity, and the platform for the run itself: where it was measured, nothing deployed.

    Whoever gets it ends it with `tear_down`, whether or not anything was deployed meanwhile.
    """

    capacity: Capacity
    platform: Platform


@dataclass(frozen=True, kw_only=True)
class CapacityStore:
    """Measured capacities by what decides them. `directory` is made when it is needed."""

    directory: Path

    def read(self, key: str) -> Capacity | None:
        """The kept capacity, unless it is older than a day or cannot be read."""
        path = self._path(key)
        try:
            raw = orjson.loads(path.read_bytes())
            if raw["schema"] != SCHEMA or time.time() - path.stat().st_mtime > KEPT_S:
                return None
            fields = dict(raw["capacity"])
            return Capacity(**{**fields, "steps": tuple(Step(**step) for step in fields["steps"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, key: str, capacity: Capacity) -> None:
        """Keep it. May raise OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        content = {"schema": SCHEMA, "capacity": asdict(capacity)}
        write_whole(self._path(key), orjson.dumps(content))

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"


def key_of(experiment: Experiment, platform: str) -> str:
    """A hash of what decides K. Neither the arm nor the seed does: arms are compared by one K."""
    content = {
        "platform": platform,
        "replicas": dict(experiment.replicas),
        "settings": {service: dict(v) for service, v in experiment.settings.items()},
        "speed": asdict(speed_of(experiment)),
        "mix": asdict(experiment.mix),
        "deadlines_s": dict(experiment.clients.deadlines_s),
        "time_factor": experiment.time_factor,
        "versions": [version("teastorm"), version("teashop")],
        "cores": os.cpu_count(),
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def capacity_of(
    experiment: Experiment,
    platform: Platform,
    store: CapacityStore,
    *,
    seed: int,
    fresh: bool,
    say: Say,
) -> Measured:
    """The kept capacity, or a new measurement; RunProblem (3) when there is none to be had."""
    key = key_of(experiment, platform.place)
    kept = None if fresh else store.read(key)
    if kept is not None:
        say(f"capacity: {kept.rps:.1f} chats/s (measured before; --fresh-capacity measures again)")
        return Measured(capacity=kept, platform=platform)
    config = CapacityConfig(
        theory_rps=speed_of(experiment).theory_rps(experiment.replicas["inference"])
    )
    say(
        f"capacity: measuring, theory says {config.theory_rps:.1f} chats/s; takes about half a minute"
    )
    with tempfile.TemporaryDirectory(prefix=MEASURING_PREFIX) as folder:
        try:
            platform.deploy(
                plan_of(
                    experiment,
                    protections=capacity_protections(),
                    seed=seed,
                    run_dir=Path(folder),
                )
            )
            platform.wait_ready(platform.ready_within_s)
            capacity = find_capacity(
                lambda rps: _measure(experiment, platform, config, rps, Path(folder), seed, say),
                config,
            )
            store.write(key, capacity)
            say(f"capacity: {capacity.rps:.1f} chats/s ({capacity.good_share:.1%} good)")
            return Measured(capacity=capacity, platform=platform.successor())
        except LoadError as error:
            platform.tear_down()
            raise RunProblem(PRECONDITION, f"capacity: {error}") from error
        except BaseException:
            platform.tear_down()
            raise


def _measure(
    experiment: Experiment,
    platform: Platform,
    config: CapacityConfig,
    rps: float,
    folder: Path,
    seed: int,
    say: Say,
) -> StepResult:
    clients = experiment.clients
    plan = step_plan(rps, config, experiment.mix, clients)
    load = start_generator(platform, plan, seed=seed, run_dir=folder, t0_unix_s=time.time())
    try:
        load.wait(plan.seconds + 30.0)
    except BaseException:
        load.stop()
        raise
    requests = read_requests(folder / "requests.parquet")
    result = step_result(requests, clients.deadlines_s["chat"])
    say(
        f"capacity: {rps:.1f} chats/s: {result.good_share:.1%} of {result.samples} good,"
        f" latency grows {result.growth * 1000:+.0f} ms a second"
    )
    return result
