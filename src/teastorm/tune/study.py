"""The Optuna study of a search: opened, told, and shared by machines that have one storage.

A shared study knows what it is of: demand, service, objectives, space and simulation are marked in
it, and whoever comes with others is refused. What one machine has tried the others count too, and
choose from: a trial carries its figures, seed by seed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import optuna
from optuna.trial import FixedTrial, FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from teastorm.simulate.demand import Demand
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import One, Score
from teastorm.tune.service import Service
from teastorm.tune.setting import Setting
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space, suggest

MARK = "teastorm.tune"
RUNS = "runs"
_NOBODY = Demand.constant(1.0, 1.0)
_OF_THE_STORAGE = (SQLAlchemyError, optuna.exceptions.StorageInternalError)
_OPENINGS = 5
"""Who makes the tables of a new storage at the same moment as another fails, and finds them then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A setting and what it came to with the search's seeds."""

    setting: Setting
    score: Score


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """How to look: trials in all, seeds of a trial, compression, where a study is kept."""

    trials: int
    seeds: tuple[int, ...]
    factor: float
    seed: int = 1
    storage: str | None = None
    study: str = "teastorm-tune"


def sampler(how: Search, number: int = 0) -> optuna.samplers.BaseSampler:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) over several objectives.

    Args:
        number: of the trial that it is for, in a shared study: machines with one seed would else
            draw the same settings.
    """
    seed = how.seed if how.storage is None else (how.seed * 1_000_003 + number) % 2**32
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(8, how.trials // 4))


def opened(how: Search, service: Service, space: Space, slo: Slo) -> optuna.Study:
    """The study, new or found. TuneInvalid: no such storage, or the study is of something else."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for left in reversed(range(_OPENINGS)):
        try:
            study = optuna.create_study(
                storage=how.storage,
                study_name=how.study if how.storage else None,
                load_if_exists=True,
                directions=["minimize"] * 3,
                sampler=sampler(how),
            )
            break
        except Exception as error:
            # Optuna hands through whatever SQLAlchemy and the database's driver raise.
            raced = isinstance(error, IntegrityError) or "already exists" in str(error)
            if left == 0 or not raced:
                raise _unusable(how, error) from error
    if how.storage is not None:
        with storage_refusals(how):
            _mark(study, how, _marks(how, service, space, slo))
    return study


def _marks(how: Search, service: Service, space: Space, slo: Slo) -> dict[str, str]:
    """What has to be the same on all machines, each part by its fingerprint."""
    scenario = service.scenario
    demand = scenario.demand
    parts = {
        "demand": (demand.steps, demand.mix, demand.plan, demand.plan_seed),
        "service": (dataclasses.replace(scenario, demand=_NOBODY), service.tokens),
        "objectives": str(slo),
        "space": space,
        "simulation": (how.factor, how.seeds),
    }
    return {
        name: hashlib.sha256(repr(part).encode()).hexdigest()[:16] for name, part in parts.items()
    }


def _mark(study: optuna.Study, how: Search, marks: Mapping[str, str]) -> None:
    found = study.user_attrs.get(MARK)
    if found is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(MARK, dict(marks))
        return
    known = found if isinstance(found, dict) else {}
    others = [name for name, mark in marks.items() if known.get(name) != mark]
    if others:
        raise TuneInvalid(
            f"--study: {how.study} in {_shown(how.storage)} was begun with different "
            f"{' and '.join(others)}; give this one a name of its own"
        )


def told(study: optuna.Study, trial: optuna.Trial, score: Score, excess: float) -> None:
    """A trial's outcome: three objectives, the constraint, and the runs for the other machines."""
    trial.set_user_attr(RUNS, [_row(run) for run in score.runs])
    trial.set_constraint("objectives", excess)
    study.tell(trial, [score.miss_share.mean, score.pod_hours.mean, score.changes.mean])


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """All that were tried, here and elsewhere, by number."""
    trials: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return trials


def tried_elsewhere(trial: FrozenTrial, space: Space, service: Service) -> Tried:
    """A trial as the machine that made it told it; its runs have no curve."""
    setting = suggest(FixedTrial(trial.params, trial.number), space, service)
    rows = trial.user_attrs[RUNS]
    return Tried(setting=setting, score=Score(runs=tuple(One(**row, curve=()) for row in rows)))


@contextmanager
def given_back(study: optuna.Study, trials: Sequence[optuna.Trial]) -> Iterator[None]:
    """Trials that an interrupt or a failure leaves half done are marked as failed, not as running."""
    try:
        yield
    except BaseException:
        with suppress(*_OF_THE_STORAGE):
            for trial in trials:
                study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        raise


@contextmanager
def storage_refusals(how: Search) -> Iterator[None]:
    """A storage that fails on the way is the storage's fault: TuneInvalid."""
    try:
        yield
    except _OF_THE_STORAGE as error:
        raise _unusable(how, error) from error


def _unusable(how: Search, error: BaseException) -> TuneInvalid:
    why = " ".join(str(error).split())[:160]
    return TuneInvalid(f"--storage: {_shown(how.storage)} cannot be used ({why})")


def _shown(storage: str | None) -> str:
    """Without its password."""
    try:
        return make_url(storage or "").render_as_string(hide_password=True)
    except ArgumentError:
        return repr(storage)


def _row(run: One) -> dict[str, object]:
    row = dataclasses.asdict(run)
    del row["curve"]
    return row
