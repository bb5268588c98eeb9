"""What the search may vary, and a trial's parameters as a setting."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from optuna.trial import BaseTrial

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting, crowd_of

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


def suggest(trial: BaseTrial, space: Space, service: Service) -> Setting:
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


def first_settings(service: Service, space: Space) -> list[Setting]:
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
        found.append(dataclasses.replace(usual, metric=Metric.OFFERED, up_percent=400))
    peak = min(space.most, service.needed(service.scenario.demand.peak_rps))
    calm = service.replica_rps * usual.min_replicas
    if space.planned and crowd_of(service.scenario.demand, calm) is not None:
        found.append(dataclasses.replace(found[-1], ahead_s=120, ahead_replicas=peak))
    found.append(dataclasses.replace(usual, min_replicas=max(space.fewest, peak)))
    return found


def parameters(setting: Setting, space: Space) -> dict[str, object]:
    """The parameters that `suggest` makes one of the first settings from."""
    found: dict[str, object] = {
        "min_replicas": setting.min_replicas,
        "metric": setting.metric.value,
        "headroom": setting.headroom,
        "up_percent": setting.up_percent,
        "up_window": 0,
        "down_percent": setting.down_percent,
        "down_window_s": setting.down_window_s,
    }
    if space.planned:
        found |= {"ahead_s": setting.ahead_s, "ahead_share": 1.0}
    return found
