"""A choice on a cluster: the real HPA rules the shop while the demand is replayed.

Nothing of the autoscaler is ours there, so what differs from the prediction is told in two parts:
the port's (the same samples in, another decision out) and the model's, which is given twice: with
the numbers that the session tuned with, and with those that this very run shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.simulate.demand import Demand
from teastorm.simulate.scenario import Scenario
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_model import DISCOVERY_S, HpaCheck, check_hpa
from teastorm.tune.on_cluster import SERVICE, Drive, Told, drive
from teastorm.tune.service import Service
from teastorm.tune.session import Session
from teastorm.tune.setting import Setting
from teastorm.tune.verify import Verified
from teastorm.tune.verify_load import plan_of, values_of
from teastorm.tune.verify_record import compare

VALUES = "verify-values.yaml"
MOST_GATEWAYS = 4
OWN_START_S = 4.0
"""What a pod of the shop takes by itself where its image is: scheduling, the process, a model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterVerified:
    """What came of it.

    `check` has the port's part and the model's with this run's own numbers; None where the HPA
    follows no resource. `why` then says so.
    """

    verified: Verified
    check: HpaCheck | None
    why: str = ""

    def as_json(self) -> dict[str, object]:
        """Plain."""
        content = self.verified.as_json()
        return content | {"check": self.check.as_json() if self.check else None, "why": self.why}


def verify_on_cluster(
    session: Session,
    out: Path,
    settings: ClusterSettings,
    *,
    seconds: float | None,
    seeds: Sequence[int],
    told: Told,
) -> ClusterVerified:
    """Replay the demand in `seconds` (None: in its own time) under the chosen HPA.

    The periods of a real HPA cannot be compressed: a demand that is replayed faster is a steeper
    crowd, in the run and in its prediction alike.

    Raises:
        TuneInvalid: nothing was chosen, or the demand is too long to be replayed as it is.
        PlatformError: the cluster cannot do it.
    """
    chosen = session.choice.chosen
    if chosen is None or chosen.setting is None or session.values is None:
        raise TuneInvalid("--verify: nothing meets the objectives, so there is nothing to verify")
    plan = plan_of(session, seconds)
    values = out / VALUES
    burn_share, text = values_of(session.values, session.service)
    values.write_text(text, encoding="utf-8")
    run_dir = _folder(out)
    scenario = session.service.scenario
    gateways = min(MOST_GATEWAYS, scenario.gateways)
    planned = chosen.setting.planned(session.service, scenario.demand)
    squeezed = scenario.demand.seconds / plan.seconds
    wish = Drive(
        settings=dataclasses.replace(settings, values=(*settings.values, values)),
        plan=plan,
        seed=seeds[0],
        model=session.service.model,
        replicas={"gateway": gateways, "orders": 2, "dispatch": 1},
        protections=dataclasses.asdict(scenario.protections),
        startup_s=max(0.0, session.service.startup_s - OWN_START_S),
        calm_replicas=chosen.setting.min_replicas,
        planned=[dataclasses.replace(p, at_s=p.at_s / squeezed) for p in planned],
        burn_share=burn_share,
    )
    record = drive(wish, run_dir, told)
    verified = compare(record, run_dir, _predicted(session.service, chosen.setting, wish), seeds)
    try:
        return ClusterVerified(verified=verified, check=check_hpa(record, seeds))
    except TuneInvalid as error:
        return ClusterVerified(verified=verified, check=None, why=str(error))


def _predicted(service: Service, setting: Setting, wish: Drive) -> Scenario:
    """The very run as the session's own model has it."""
    return dataclasses.replace(
        service.scenario,
        demand=Demand.of_plan(service.scenario.demand.name, wish.plan, wish.seed),
        gateways=wish.replicas["gateway"],
        replicas=wish.calm_replicas,
        discovery_s=DISCOVERY_S,
        scaling=dataclasses.replace(setting.scaling(service), planned=tuple(wish.planned)),
        events=(),
        window_s=None,
    )


def _folder(out: Path) -> Path:
    """A new one beneath; nothing of an earlier verification is mixed in."""
    for number in range(1, 1000):
        run_dir = out / f"verify-{SERVICE}-{number}"
        if not run_dir.exists():
            run_dir.mkdir(parents=True)
            return run_dir
    raise TuneInvalid(f"--out: {out} holds a thousand verifications; name another folder")
