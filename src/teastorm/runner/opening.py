"""From a checked experiment to a shop that runs and a session that is open."""

import platform as machine
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from teastorm.chaos.interruption import Interruption
from teastorm.chaos.session import FAULT_PHASE, Chosen, Session
from teastorm.chaos.site import LiveSite
from teastorm.load.capacity import Capacity
from teastorm.observe.recorder import FlightRecorder
from teastorm.platforms.base import Platform, PlatformError
from teastorm.platforms.local.state import state_dir
from teastorm.platforms.select import open_platform
from teastorm.runner import shop
from teastorm.runner.capacity import CapacityStore, Say, capacity_of
from teastorm.runner.experiment import Experiment
from teastorm.runner.folder import RUNS_DIR, RunFolder
from teastorm.runner.live_shop import LiveShop
from teastorm.runner.place import may_run, objectives_on, runs_on
from teastorm.runner.problems import RunProblem
from teastorm.runner.scaling import ScalerThread

FRESH_S = 3.0
"""A recorded sample that is older tells an autoscaler nothing."""
HPA_FILE = "hpa.yaml"
"""The manifest of a run's live autoscaler, in its folder."""
RUN_SCHEMA = "teastorm.run/1"


def _no_words(sentence: str) -> None:
    del sentence


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run, apart from what. `say` gets lines for a person."""

    runs_dir: Path = RUNS_DIR
    fresh_capacity: bool = False
    say: Say = _no_words
    state_directory: Path = field(default_factory=state_dir)
    platform: Callable[[str], Platform] = open_platform


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A run whose shop is up."""

    session: Session
    recorder: FlightRecorder
    scaler: ScalerThread | None = None


def open_run(
    experiment: Experiment, chosen: Chosen, options: Options, interruption: Interruption
) -> Opened:
    """Measure or look up K, deploy the arm, begin to record. Leaves nothing behind on failure.

    Raises RunProblem with one sentence: 2 for a bad request, 3 when this machine cannot run it.
    """
    with _one_sentence():
        runs_on(experiment, chosen.platform)
        first = options.platform(chosen.platform)
        may_run(experiment, first)
        measured = capacity_of(
            experiment,
            first,
            CapacityStore(directory=options.state_directory / "capacity"),
            seed=chosen.seed,
            fresh=options.fresh_capacity,
            say=options.say,
        )
        capacity, platform = measured.capacity, measured.platform
        try:
            folder = RunFolder.create(options.runs_dir, experiment.name, chosen.arm, chosen.seed)
            protections = experiment.protections(chosen.arm)
            options.say(f"{experiment.name} ({chosen.arm}, seed {chosen.seed}): starting the shop")
            platform.deploy(
                shop.plan_of(
                    experiment, protections=protections, seed=chosen.seed, run_dir=folder.path
                )
            )
            platform.wait_ready(platform.ready_within_s)
            t0_s, t0_unix_s = time.monotonic(), time.time()
            session = Session(
                experiment=experiment,
                chosen=chosen,
                folder=folder,
                interruption=interruption,
                site=LiveSite(platform, interruption, t0_s),
                capacity_rps=capacity.rps,
                t0_unix_s=t0_unix_s,
            )
            folder.write("run.json", _run_json(session, capacity))
            recorder = FlightRecorder(platform.targets, t0_s=t0_s)
            recorder.start()
            scaler = _scaler(session, recorder)
        except BaseException:
            with interruption.shielded():
                platform.tear_down()
            raise
    return Opened(session=session, recorder=recorder, scaler=scaler)


def _scaler(session: Session, recorder: FlightRecorder) -> ScalerThread | None:
    """The live autoscaler, begun, if the experiment has one."""
    experiment, site = session.experiment, session.site
    plan = experiment.autoscaler
    if plan is None:
        return None
    live = LiveShop(
        platform=site.platform,
        plan=plan,
        latest=lambda names: recorder.latest(names, since_s=site.now_s() - FRESH_S),
        now_s=site.now_s,
        factor=experiment.time_factor,
        replicas=experiment.replicas[plan.service],
        load_began_s=lambda: next(
            (w.start_s for w in session.windows if w.name == FAULT_PHASE), None
        ),
    )
    (session.folder.path / HPA_FILE).write_text(plan.text, encoding="utf-8")
    scaler = ScalerThread(plan, live, note=site.note, now_s=site.now_s)
    scaler.start()
    return scaler


def _run_json(session: Session, capacity: Capacity) -> dict[str, object]:
    experiment, chosen = session.experiment, session.chosen
    protections = experiment.protections(chosen.arm)
    started = datetime.fromtimestamp(session.t0_unix_s, tz=UTC)
    speed = shop.speed_of(experiment)
    return {
        "schema": RUN_SCHEMA,
        "experiment": experiment.name,
        "title": experiment.title,
        "platform": chosen.platform,
        "arm": chosen.arm,
        "seed": chosen.seed,
        "started": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "protections": protections,
        "difference": shop.difference(protections),
        "replicas": dict(experiment.replicas),
        "inference": {
            name: getattr(speed, name) for name in shop.InferenceSpeed.__dataclass_fields__
        }
        | {"capacity_theory_rps": capacity.theory_rps},
        "capacity": {
            "rps": capacity.rps,
            "good_share": capacity.good_share,
            "theory_rps": capacity.theory_rps,
            "steps": [
                {name: getattr(step, name) for name in ("rps", "good_share", "samples", "good")}
                for step in capacity.steps
            ],
        },
        "checks": list(experiment.checks),
        "slo": objectives_on(experiment.slo, chosen.platform).as_json(),
        "time_factor": experiment.time_factor,
        "autoscaler": None if experiment.autoscaler is None else experiment.autoscaler.as_json(),
        "deadlines_s": dict(experiment.clients.deadlines_s),
        "versions": versions(),
        "sealed": True,
    }


def versions() -> dict[str, str]:
    """What a result should name when it is compared with another."""
    found = {"python": machine.python_version(), "system": machine.platform()}
    for name in ("teastorm", "teashop", "chaostoolkit-lib", "locust"):
        found[name] = version(name)
    return found


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except PlatformError as error:
        raise RunProblem(error.exit_code, error.sentence) from error
