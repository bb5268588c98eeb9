"""A record of an HPA, made by the simulator, so that what it was made with is known."""

import dataclasses

import pytest

from teastorm.autoscale.manifest import read_manifest
from teastorm.load.curve import DemandCurve
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.settings import Mix
from teastorm.simulate import run as simulation
from teastorm.simulate.demand import Demand
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scaler import Scaler
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Scenario
from teastorm.tune.hpa_model import DISCOVERY_S
from teastorm.tune.hpa_record import HpaRecord, Look

HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: teashop-inference}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: teashop-inference}
  minReplicas: 1
  maxReplicas: 8
  metrics:
    - type: ContainerResource
      containerResource:
        {name: cpu, container: inference, target: {type: Utilization, averageUtilization: 60}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 15}
"""
MODEL = InferenceModel(
    max_num_seqs=2, startup_s=3.0, cpu_idle_milli=10, cpu_busy_milli=70, cpu_request_milli=80
)
PLAN = LoadPlan(
    capacity_rps=19.0,
    phases=(
        Phase(
            name="hill",
            seconds=600,
            factor=1.0,
            curve=DemandCurve(
                name="a hill",
                minutes=(0.0, 4.0, 16.0, 24.0, 36.0, 40.0),
                rates=(0.08, 0.08, 1.0, 1.0, 0.08, 0.08),
            ),
            fault=True,
        ),
    ),
    mix=Mix(critical_rps=0.5, menu_per_chat=0.0),
)


class Watched(Scaler):
    """The simulator's autoscaler, looked at each second as `HpaRecorder` looks at a real one."""

    looks: list[Look]

    def start(self, loop, seconds):
        Watched.looks = []
        super().start(loop, seconds)
        loop.every(1.0, self._look, first_s=0.4, until_s=seconds)

    def _look(self, now_s, _):
        before, self._now_s = self._now_s, now_s
        visible = self._live._pipeline.visible(now_s)
        told = self.decisions[-1] if self.decisions else None
        opinion = told.advice.opinions[0] if told and told.advice and told.advice.opinions else None
        Watched.looks.append(
            Look(
                at_s=now_s,
                wanted=self.wanted(),
                desired=told.desired if told else 0,
                current=told.decision.current if told else 0,
                percent=opinion.utilisation_percent if opinion else None,
                average_milli=opinion.usage_milli if opinion else None,
                floor=1,
                pods=tuple(self.pods()),
                samples=dict(visible.readings.pods["cpu"]) if visible else {},
            )
        )
        self._now_s = before


def recorded(seed: int, scrape_s: float = 10.0, lag_s: float = 4.0) -> HpaRecord:
    manifest = read_manifest(HPA)
    scenario = Scenario(
        demand=Demand.of_plan("made", PLAN, seed),
        inference=MODEL,
        replicas=1,
        discovery_s=DISCOVERY_S,
        scaling=Scaling(
            spec=manifest.spec, metrics=manifest.metrics, scrape_s=scrape_s, lag_s=lag_s
        ),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(simulation, "Scaler", Watched)
        simulation.simulate(scenario, 77)
    return HpaRecord(
        hpa=HPA,
        plan=PLAN,
        seed=seed,
        model=dataclasses.replace(
            MODEL, cpu_idle_milli=1, cpu_busy_milli=1, cpu_request_milli=1, startup_s=9.0
        ),
        replicas={"gateway": 2, "inference": 1, "orders": 2, "dispatch": 1},
        looks=tuple(Watched.looks),
    )
