"""From an experiment's shape of load to a generator that runs."""

from chaoslib.exceptions import ActivityFailed

from teastorm.chaos.offer import RunningLoad, start_generator
from teastorm.chaos.session import Session, Window
from teastorm.load.curve import read_curve
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan, Phase
from teastorm.runner.beside import beside
from teastorm.runner.experiment import Experiment
from teastorm.runner.shape import LoadShape


def plan_of(experiment: Experiment, shape: LoadShape, capacity_rps: float) -> LoadPlan:
    """The plan of a run: baseline, fault, after."""
    curve = read_curve(beside(experiment.path, shape.curve)) if shape.curve else None
    phases = (
        Phase(name="baseline", seconds=shape.baseline_s, factor=shape.base_factor),
        Phase(name="fault", seconds=shape.fault_s, factor=shape.factor, curve=curve, fault=True),
        Phase(name="after", seconds=shape.after_s, factor=shape.base_factor),
    )
    return LoadPlan(
        capacity_rps=capacity_rps,
        phases=phases,
        base_factor=shape.base_factor,
        mix=experiment.mix,
        clients=experiment.clients,
    )


def start(session: Session, shape: LoadShape) -> None:
    """Start the load of a run; ActivityFailed in one sentence when it cannot."""
    try:
        plan = plan_of(session.experiment, shape, session.capacity_rps)
        process = start_generator(
            session.platform,
            plan,
            seed=session.chosen.seed,
            run_dir=session.folder.path,
            t0_unix_s=session.t0_unix_s,
        )
    except LoadError as error:
        session.trouble.append(str(error))
        raise ActivityFailed(str(error)) from error
    session.plan = plan
    session.load = RunningLoad(process)
    session.windows = tuple(
        Window(
            name=phase.name,
            start_s=process.load_start_s + start_s,
            end_s=process.load_start_s + end_s,
        )
        for phase, start_s, end_s in plan.windows()
    )
    session.chat_rps = _mean_rates(plan)


def _mean_rates(plan: LoadPlan) -> dict[str, float]:
    rates: dict[str, float] = {}
    for index, (phase, start_s, end_s) in enumerate(plan.windows()):
        chats = sum(s.rps * (s.end_s - s.start_s) for s in plan.segments() if s.phase == index)
        rates[phase.name] = chats / (end_s - start_s)
    return rates
