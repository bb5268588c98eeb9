"""A choice on a cluster: the real HPA rules the shop while the demand is replayed.

Nothing of the autoscaler is ours there, so what differs from the prediction is told in two parts:
the port's (the same samples in, another decision out) and the model's, which is given twice: with
the numbers that the session tuned with, and with those that this very run shows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from teastorm.load.curve import DemandCurve
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.records import read_requests
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.simulate.demand import Demand
from teastorm.simulate.run import simulate
from teastorm.simulate.scenario import Scenario
from teastorm.tune.curve import closeness, stepped
from teastorm.tune.demand import rates_at
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.hpa_lags import lag_parts
from teastorm.tune.hpa_model import DISCOVERY_S, HpaCheck, check_hpa
from teastorm.tune.hpa_record import HpaRecord
from teastorm.tune.on_cluster import SERVICE, Drive, Told, drive
from teastorm.tune.score import Figure
from teastorm.tune.service import Service
from teastorm.tune.session import Session
from teastorm.tune.setting import Setting
from teastorm.tune.verify import Beside, Verified, beside

VALUES = "verify-values.yaml"
LONGEST_S = 4 * 3600.0
STEP_S = 15.0
MOST_GATEWAYS = 4
OWN_START_S = 4.0
"""What a pod of the shop takes by itself where its image is: scheduling, the process, a model."""
BUSY_MILLI = 80.0
REQUEST_COST_MILLI = 1.2
"""CPU of one answer a second, beside what the mock burns (charts/teashop/values.yaml)."""


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


def plan_of(session: Session, seconds: float | None) -> LoadPlan:
    """The demand as a load, stepped each quarter of a minute."""
    demand = session.service.scenario.demand
    length_s = demand.seconds if seconds is None else seconds
    if length_s > LONGEST_S:
        raise TuneInvalid(
            f"--verify: the demand lasts {demand.seconds / 3600:.1f} hours; say in how many minutes "
            "to replay it with --verify-minutes"
        )
    count = max(2, math.ceil(length_s / STEP_S) + 1)
    at_s = np.linspace(0.0, demand.seconds, count)
    rates = rates_at(demand, at_s)
    curve = DemandCurve(
        name=demand.name,
        minutes=tuple(map(float, range(count))),
        rates=tuple(map(float, rates / rates.max())),
    )
    phase = Phase(name="demand", seconds=length_s, factor=1.0, curve=curve, fault=True)
    return LoadPlan(
        capacity_rps=float(rates.max()),
        phases=(phase,),
        mix=demand.mix,
        clients=session.service.scenario.clients,
    )


def values_of(chosen: str, service: Service) -> tuple[float, str]:
    """What the mock has to burn (`burn_share`), and the values file: the HPA and a request.

    A full mock uses of its request what a full replica of the model uses of its own.
    """
    model = service.model
    cost = REQUEST_COST_MILLI * service.replica_rps
    busy = max(BUSY_MILLI, 1.5 * cost)
    request = max(1, round(busy * model.cpu_request_milli / max(1, model.cpu_busy_milli)))
    content = yaml.safe_load(chosen)
    content["inference"]["resources"] = {
        "requests": {"cpu": f"{request}m", "memory": "96Mi"},
        "limits": {"memory": "256Mi"},
    }
    head = "# The chosen autoscaler, and a CPU request that fits the mock (`teastorm tune --verify`).\n"
    return round((busy - cost) / 1000, 4), head + yaml.safe_dump(content, sort_keys=False)


def compare(record: HpaRecord, run_dir: Path, scenario: Scenario, seeds: Sequence[int]) -> Verified:
    """The tuned model's prediction of the recorded run beside it."""
    results = [simulate(scenario, seed) for seed in seeds]
    at_s = np.arange(0.0, min(record.seconds, record.looks[-1].at_s), 1.0)
    measured = stepped([(look.at_s, float(look.ready)) for look in record.looks], at_s)
    wanted = stepped([(look.at_s, float(look.wanted)) for look in record.looks], at_s)
    curves = [stepped([(r.at_s, float(r.ready)) for r in one.replicas], at_s) for one in results]
    predicted = np.mean(curves, axis=0)
    misses, p99_s = _requests(run_dir, record)
    parts = lag_parts(record)
    scaling = scenario.scaling
    expected = (
        {}
        if scaling is None
        else {
            "metric": scaling.scrape_s / 2 + scaling.lag_s,
            "sync": scaling.sync_s / 2,
            "start": scenario.inference.startup_s,
        }
    )
    found = [
        beside("misses", "share", [r.slo_misses / r.classes["chat"].offered for r in results], misses),
        beside("p99 of good answers", "s", [r.p99_s for r in results if r.p99_s], p99_s),
        beside("ready pod-seconds", "s", [float(c.sum()) for c in curves], float(measured.sum())),
        beside("changes", "", [float(r.changes) for r in results],
               float(np.count_nonzero(np.diff(wanted)))),
    ]  # fmt: skip
    found += [
        Beside(
            name=f"lag: {name}",
            unit="s",
            predicted=Figure(mean=expected[name], half_width=None) if name in expected else None,
            measured=value,
        )
        for name, value in parts.items()
    ]
    return Verified(
        figures=tuple(found),
        within_one=closeness(curves, measured).within_one,
        t_s=tuple(map(float, at_s)),
        predicted=tuple(map(float, predicted)),
        measured=tuple(map(float, measured)),
    )


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


def _requests(run_dir: Path, record: HpaRecord) -> tuple[float, float]:
    """The share of chats that were not good, and the 99th percentile of those that were."""
    table = read_requests(run_dir / "requests.parquet")
    latency_s = table["ended_s"].to_numpy() - table["intended_s"].to_numpy()
    classes = np.array(table["class"].to_pylist())
    rungs = np.array(table["rung"].to_pylist())
    chats = table["final"].to_numpy() & (classes == "chat")
    in_time = latency_s <= record.plan.clients.deadlines_s["chat"]
    good = chats & table["right"].to_numpy() & in_time & np.isin(rungs, ("full", "short"))
    if not good.any():
        raise SourceUnreachable(f"--verify: no chat of {run_dir} was answered well")
    return 1 - float(good.sum()) / float(chats.sum()), float(np.quantile(latency_s[good], 0.99))


def _folder(out: Path) -> Path:
    """A new one beneath; nothing of an earlier verification is mixed in."""
    for number in range(1, 1000):
        run_dir = out / f"verify-{SERVICE}-{number}"
        if not run_dir.exists():
            run_dir.mkdir(parents=True)
            return run_dir
    raise TuneInvalid(f"--out: {out} holds a thousand verifications; name another folder")
