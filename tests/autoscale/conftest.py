import pytest

from teastorm.autoscale.calculator import Scene, Tolerance
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, StartUp, Status


@pytest.fixture
def a_pod():
    def build(name, *, request=100, **settings):
        settings = {
            "phase": Phase.RUNNING,
            "start_s": -1000,
            "ready": Ready(status=Status.TRUE, last_transition_s=-900),
            "containers": (Container(name="app", request_milli=request),),
        } | settings
        return Pod(name=name, **settings)

    return build


@pytest.fixture
def scene_of():
    def build(pods, *, up=0.1, down=0.1, init_s=300, delay_s=30):
        start_up = StartUp(cpu_initialization_period_s=init_s, initial_readiness_delay_s=delay_s)
        return Scene(pods=pods, tolerance=Tolerance(up=up, down=down), start_up=start_up)

    return build


@pytest.fixture
def values_of():
    def build(**values):
        return {name: PodValue(milli, -10, 10) for name, milli in values.items()}

    return build
