"""The search: Optuna over several objectives, every setting simulated with the same seeds.

Trials are asked for in batches of a fixed size and told in order, so a study's outcome depends on
its seed and not on the number of workers. With `storage` several machines share one study; then
the order in which they tell is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import optuna

from teastorm.tune.score import score
from teastorm.tune.service import Service
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space, first_settings, parameters, suggest
from teastorm.tune.study import (
    Search,
    Tried,
    finished,
    given_back,
    opened,
    sampler,
    storage_refusals,
    tried_elsewhere,
)
from teastorm.tune.study import (
    told as tell,
)

BATCH = 4

type Told = Callable[[int, int], None]


def search(
    service: Service,
    space: Space,
    slo: Slo,
    how: Search,
    *,
    executor: Executor | None = None,
    told: Told = lambda _done, _of: None,
) -> list[Tried]:
    """Try settings until the study holds `how.trials`; every one of it, in order.

    Those that other machines tried in a shared study count, and are there too. TuneInvalid when the
    storage cannot be used, or its study is of something else.
    """
    study = opened(how, service, space, slo)
    own: dict[int, Tried] = {}
    with storage_refusals(how):
        for setting in first_settings(service, space):
            study.enqueue_trial(parameters(setting, space), skip_if_exists=True)
        told(len(finished(study)), how.trials)  # the first batch may take minutes
        while (left := how.trials - len(finished(study))) > 0:
            own |= _batch(study, min(BATCH, left), service, space, slo, how, executor)
            told(len(finished(study)), how.trials)
        return [
            own[trial.number] if trial.number in own else tried_elsewhere(trial, space, service)
            for trial in finished(study)
        ]


def _batch(
    study: optuna.Study,
    count: int,
    service: Service,
    space: Space,
    slo: Slo,
    how: Search,
    executor: Executor | None,
) -> dict[int, Tried]:
    """So many settings asked for, simulated and told; by trial number."""
    trials: list[optuna.Trial] = []
    with given_back(study, trials):
        trials.extend(study.ask() for _ in range(count))
        settings = []
        for trial in trials:
            if how.storage is not None:
                study.sampler = sampler(how, trial.number)
            settings.append(suggest(trial, space, service))
        scalings = [setting.scaling(service) for setting in settings]
        scores = score(service, scalings, how.seeds, factor=how.factor, executor=executor)
        for trial, found in zip(trials, scores, strict=True):
            tell(study, trial, found, slo.excess(found.measured()))
    return {
        trial.number: Tried(setting=setting, score=found)
        for trial, setting, found in zip(trials, settings, scores, strict=True)
    }
