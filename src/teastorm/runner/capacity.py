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

import numpy as np
import orjson
from pyarrow import parquet

from teastorm.chaos.offer import inherited
from teastorm.chaos.offering import clients_of, environment_of, mix_of
from teastorm.load.capacity import Capacity, CapacityConfig, Step, StepResult, find_capacity
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.process import start_load
from teastorm.load.settings import Clients
from teastorm.platforms.base import Platform
from teastorm.runner.experiment import Experiment
from teastorm.runner.problems import PRECONDITION, RunProblem
from teastorm.runner.shop import capacity_protections, plan_of, speed_of

SCHEMA = "teastorm.capacity/1"
KEPT_S = 24 * 3600.0
READY_S = 60.0
WARM_UP_S = 2.0
WARM_UP_FACTOR = 0.6
STEP = "step"

type Say = Callable[[str], None]


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
        """Keep it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        half = self._path(key).with_suffix(f".{os.getpid()}")
        half.write_bytes(orjson.dumps({"schema": SCHEMA, "capacity": asdict(capacity)}))
        half.replace(self._path(key))

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"


def key_of(experiment: Experiment, platform: str) -> str:
    """A hash of what decides K. Neither the arm nor the seed does: arms are compared by one K."""
    content = {
        "platform": platform,
        "replicas": dict(experiment.replicas),
        "settings": {service: dict(v) for service, v in experiment.settings.items()},
        "speed": asdict(speed_of(experiment)),
        "mix": asdict(mix_of(experiment)),
        "deadlines_s": dict(clients_of(experiment).deadlines_s),
        "time_factor": experiment.time_factor,
        "versions": [version("teastorm"), version("teashop")],
        "cores": os.cpu_count(),
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def capacity_of(
    experiment: Experiment,
    open_platform: Callable[[], Platform],
    store: CapacityStore,
    *,
    seed: int,
    fresh: bool,
    say: Say,
) -> Capacity:
    """The kept capacity, or a new measurement; RunProblem (3) when there is none to be had."""
    platform = open_platform()
    key = key_of(experiment, platform.name)
    kept = None if fresh else store.read(key)
    if kept is not None:
        say(f"capacity: {kept.rps:.1f} chats/s (measured before; --fresh-capacity measures again)")
        return kept
    config = CapacityConfig(
        theory_rps=speed_of(experiment).theory_rps(experiment.replicas["inference"])
    )
    say(
        f"capacity: measuring, theory says {config.theory_rps:.1f} chats/s; takes about half a minute"
    )
    with tempfile.TemporaryDirectory(prefix="teastorm-capacity-") as folder:
        try:
            platform.deploy(
                plan_of(
                    experiment,
                    protections=capacity_protections(),
                    seed=seed,
                    run_dir=Path(folder),
                )
            )
            platform.wait_ready(READY_S)
            capacity = find_capacity(
                lambda rps: _measure(experiment, platform, config, rps, Path(folder), seed, say),
                config,
            )
        except LoadError as error:
            raise RunProblem(PRECONDITION, f"capacity: {error}") from error
        finally:
            platform.tear_down()
    store.write(key, capacity)
    say(f"capacity: {capacity.rps:.1f} chats/s ({capacity.good_share:.1%} good)")
    return capacity


def _measure(
    experiment: Experiment,
    platform: Platform,
    config: CapacityConfig,
    rps: float,
    folder: Path,
    seed: int,
    say: Say,
) -> StepResult:
    clients = clients_of(experiment)
    # Each request once: a repeated one would be another request of a rate that is not its own.
    once = Clients(deadlines_s=clients.deadlines_s, timeouts_s=clients.timeouts_s, retries=0)
    plan = LoadPlan(
        capacity_rps=rps,
        phases=(
            Phase(name="warm-up", seconds=WARM_UP_S, factor=WARM_UP_FACTOR),
            Phase(name=STEP, seconds=config.step_seconds(rps), factor=1.0),
        ),
        mix=mix_of(experiment),
        clients=once,
    )
    with inherited(environment_of(platform)):
        load = start_load(
            plan=plan,
            seed=seed,
            run_dir=folder,
            endpoints_file=platform.endpoints_file,
            t0_unix_s=time.time(),
        )
    try:
        load.wait(plan.seconds + 30.0)
    except BaseException:
        load.stop()
        raise
    result = good_share(folder / "requests.parquet", deadline_s=clients.deadlines_s["chat"])
    say(f"capacity: {rps:.1f} chats/s: {result.good_share:.1%} of {result.samples} good")
    return result


def good_share(requests: Path, *, deadline_s: float) -> StepResult:
    """Chats of the step that were right, on the full rung and in time, among those drawn."""
    columns = ["class", "phase", "status", "right", "rung", "intended_s", "ended_s"]
    table = parquet.read_table(requests, columns=columns)
    text = {name: table[name].to_numpy(zero_copy_only=False) for name in ("class", "phase", "rung")}
    counted = (text["class"] == "chat") & (text["phase"] == STEP)
    status = table["status"].to_numpy()
    took_s = table["ended_s"].to_numpy() - table["intended_s"].to_numpy()
    good = counted & (status >= 200) & (status < 300) & (text["rung"] == "full")
    good &= table["right"].to_numpy(zero_copy_only=False).astype(bool)
    good &= np.nan_to_num(took_s, nan=np.inf) <= deadline_s
    samples = int(counted.sum())
    return StepResult(good_share=float(good.sum()) / max(samples, 1), samples=samples)
