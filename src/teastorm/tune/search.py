"""The search: Optuna over several objectives, every setting simulated with the same seeds.

Trials are asked for in batches of a fixed size and told in order, so a study's outcome depends on
its seed and not on the number of workers. With `storage` several machines share one study; then
the order in which they tell is theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import optuna

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import Score, score
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting, crowd_of
from teastorm.tune.slo import Slo

BATCH = 4
_UP = (50, 100, 200, 400)
_DOWN = (10, 25, 50, 100)
_DOWN_WINDOWS_S = (60, 120, 300, 600, 900)
_UP_WINDOWS_S = (0, 0, 30, 60)
_AHEAD_S = (0, 60, 120, 300, 600)


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """What may be varied: metrics, bounds of replicas, whether a campaign is known beforehand."""

    metrics: tuple[Metric, ...] = tuple(Metric)
    fewest: int = 1
    most: int = 10
    planned: bool = True

    def __post_init__(self) -> None:
        """Refuse an empty space."""
        if not self.metrics:
            raise TuneInvalid("--metric: name at least one")
        if not 1 <= self.fewest <= self.most:
            raise TuneInvalid(
                f"--min-replicas must be from 1 to --max-replicas {self.most}, got {self.fewest}"
            )


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


def search(
    service: Service,
    space: Space,
    slo: Slo,
    how: Search,
    *,
    executor: Executor | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Tried]:
    """Every setting tried, in order. TuneInvalid when the storage cannot be used."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = _study(how)
    for setting in _first(service, space):
        study.enqueue_trial(_parameters(setting, space), skip_if_exists=True)
    tried: list[Tried] = []
    while len(tried) < how.trials:
        trials = [study.ask() for _ in range(min(BATCH, how.trials - len(tried)))]
        settings = [suggest(trial, space, service) for trial in trials]
        scores = score(
            service,
            [setting.scaling(service) for setting in settings],
            how.seeds,
            factor=how.factor,
            executor=executor,
        )
        for trial, setting, found in zip(trials, settings, scores, strict=True):
            trial.set_constraint("objectives", slo.excess(found.measured()))
            study.tell(trial, [found.miss_share.mean, found.pod_hours.mean, found.changes.mean])
            tried.append(Tried(setting=setting, score=found))
        told(len(tried), how.trials)
    return tried


def _study(how: Search) -> optuna.Study:
    sampler = optuna.samplers.TPESampler(seed=how.seed, n_startup_trials=max(8, how.trials // 4))
    try:
        return optuna.create_study(
            storage=how.storage,
            study_name=how.study if how.storage else None,
            load_if_exists=True,
            directions=["minimize"] * 3,
            sampler=sampler,
        )
    except Exception as error:
        # Optuna hands through whatever SQLAlchemy and the database's driver raise.
        why = " ".join(str(error).split())[:160]
        raise TuneInvalid(f"--storage: {how.storage} cannot be used ({why})") from error


def suggest(trial: optuna.Trial, space: Space, service: Service) -> Setting:
    """A setting from a trial's parameters; the same parameters always give the same one."""
    fewest = trial.suggest_int("min_replicas", space.fewest, space.most)
    ahead_s = trial.suggest_categorical("ahead_s", _AHEAD_S) if space.planned else 0
    peak = min(space.most, max(fewest, service.needed(service.scenario.demand.peak_rps)))
    share = trial.suggest_float("ahead_share", 0.3, 1.0, step=0.1) if space.planned else 0.0
    return Setting(
        metric=Metric(trial.suggest_categorical("metric", [m.value for m in space.metrics])),
        headroom=trial.suggest_float("headroom", 0.05, 1.5, step=0.05),
        min_replicas=fewest,
        max_replicas=space.most,
        up_percent=trial.suggest_categorical("up_percent", _UP),
        up_window_s=_UP_WINDOWS_S[trial.suggest_int("up_window", 0, len(_UP_WINDOWS_S) - 1)],
        down_percent=trial.suggest_categorical("down_percent", _DOWN),
        down_window_s=trial.suggest_categorical("down_window_s", _DOWN_WINDOWS_S),
        ahead_s=int(ahead_s),
        ahead_replicas=round(peak * share) if ahead_s else 0,
    )


def _first(service: Service, space: Space) -> list[Setting]:
    """What anybody would try first: Kubernetes' defaults, offered load, and a planned floor."""
    metric = space.metrics[0]
    usual = Setting(
        metric=metric,
        headroom=0.25,
        min_replicas=max(space.fewest, min(2, space.most)),
        max_replicas=space.most,
    )
    found = [usual]
    if Metric.OFFERED in space.metrics:
        found.append(_changed(usual, metric=Metric.OFFERED, up_percent=400))
    peak = min(space.most, service.needed(service.scenario.demand.peak_rps))
    calm = service.replica_rps * usual.min_replicas
    if space.planned and crowd_of(service.scenario.demand, calm) is not None:
        found.append(_changed(found[-1], ahead_s=120, ahead_replicas=peak))
    found.append(_changed(usual, min_replicas=max(space.fewest, peak)))
    return found


def _changed(setting: Setting, **changes: object) -> Setting:
    return dataclasses.replace(setting, **changes)  # type: ignore[arg-type]  # as the call sites say


def _parameters(setting: Setting, space: Space) -> dict[str, object]:
    parameters: dict[str, object] = {
        "min_replicas": setting.min_replicas,
        "metric": setting.metric.value,
        "headroom": setting.headroom,
        "up_percent": setting.up_percent,
        "up_window": 0,
        "down_percent": setting.down_percent,
        "down_window_s": setting.down_window_s,
    }
    if space.planned:
        parameters |= {"ahead_s": setting.ahead_s, "ahead_share": 1.0}
    return parameters
