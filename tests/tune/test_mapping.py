"""A service that is not the shop: its metrics mapped to the model, its names to the manifest."""

import dataclasses

import pytest
import yaml
from tests.tune.prometheus_server import ACCESS, serving

from teastorm.autoscale.manifest import read_manifest
from teastorm.simulate.hpa import scaling_of
from teastorm.tune import manifests
from teastorm.tune.asked import Asked, wish_of
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.mapped import service_of
from teastorm.tune.mapping import read_mapping
from teastorm.tune.series import Read
from teastorm.tune.session import tune
from teastorm.tune.setting import Metric, Setting


@pytest.fixture
def server():
    yield from serving()


MAPPING = {
    "rate": "sum(rate(http_requests_total[1m]))",
    "latency_s": "histogram_quantile(0.5, latency)",
    "replicas": "sum(replicas)",
    "service": {"deadline_s": 1.5, "startup_s": 45},
}


def test_somebody_elses_service_is_mapped_to_the_model(server, tmp_path):
    url, _ = server
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING))
    asked = Asked(
        demand=f"prometheus:{url}?start=600&end=705",
        slo="good>=0.9",
        mapping=path,
        access=ACCESS,
        max_replicas=8,
    )
    service = wish_of(asked).service
    assert service.scenario.demand.peak_rps == 80
    assert service.scenario.demand.seconds == 105
    # 0.2 s in the quiet quarter, 80/s on 2 replicas: 40/s each, 8 places
    assert service.replica_rps == pytest.approx(40)
    assert service.model.max_num_seqs == 8
    assert service.startup_s == 45
    assert service.scenario.clients.deadlines_s["chat"] == 1.5
    assert not service.scenario.protections.admission
    told = " ".join(service.assumed)
    assert "service time: 0.2 s, the latency in the quietest quarter" in told
    assert "capacity of a replica: 40/s, the most that one was seen to be given" in told
    assert "cpu_request_milli: 1000 (not given)" in told


NAMED = {"deployment": "till", "hpa_metrics": {"in_flight": "till_in_flight"}}


@pytest.fixture
def mapped(server, tmp_path):
    """A wish for a service of a mapping, changed."""
    url, _ = server

    def wish(change, **asked):
        path = tmp_path / "mapping.yaml"
        path.write_text(yaml.safe_dump(MAPPING | change))
        given = {"demand": f"prometheus:{url}?start=600&end=705", "slo": "good>=0.9"}
        return wish_of(Asked(mapping=path, access=ACCESS, max_replicas=8, **given | asked))

    return wish


def test_the_manifest_of_a_mapped_service_bears_its_own_names(mapped):
    wish = mapped(NAMED)
    assert wish.space.metrics == (Metric.CPU, Metric.IN_FLIGHT)
    setting = Setting(metric=Metric.IN_FLIGHT, min_replicas=1, ahead_s=60, ahead_replicas=3)
    text = manifests.hpa(setting, wish.service)
    manifest = read_manifest(text)
    assert (manifest.name, manifest.target_name) == ("till", "till")
    assert [metric.name for metric in manifest.metrics] == ["till_in_flight"]
    assert "kubectl patch hpa till --type merge" in text
    assert scaling_of(manifest, wish.service.names.known).metrics[0].name == "in_flight"
    assert any("not tried" in told and "offered_rps" in told for told in wish.service.assumed)


def test_a_mapping_without_names_is_tuned_by_cpu_and_says_so(mapped):
    wish = mapped({})
    assert wish.space.metrics == (Metric.CPU,)
    told = " ".join(wish.service.assumed)
    assert "the manifest scales your-deployment: give deployment in the mapping" in told
    assert "names no metric for it (hpa_metrics): in_flight, offered_rps" in told


def test_no_helm_values_are_written_for_what_is_not_the_shop(mapped):
    wish = dataclasses.replace(
        mapped(NAMED, slo="good>=0.01", trials=2, seeds=1), factor=1.0, trials=2
    )
    session = tune(wish, lambda _text: None)
    assert session.values is None
    assert "name: till\n" in session.manifest


def test_a_metric_without_a_name_cannot_be_asked_for(mapped):
    with pytest.raises(
        TuneInvalid, match=r"mapping.yaml names no metric for offered_rps; add hpa_m"
    ):
        mapped(NAMED, metrics=("offered_rps",))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"deployment": "Till!"}, "deployment must be a Deployment's name, got 'Till!'"),
        ({"deployment": 3}, "deployment must be a Deployment's name, got 3"),
        ({"hpa_metrics": ["x"]}, "hpa_metrics must be a mapping of names"),
        (
            {"hpa_metrics": {"inflight": "x"}},
            "hpa_metrics.inflight is not known; did you mean 'in_flight'?",
        ),
        ({"hpa_metrics": {"in_flight": 3}}, "hpa_metrics.in_flight must be a metric's name, got 3"),
        ({"rat": "x"}, "rat is not known; did you mean 'rate'?"),
        ({"rate": 3}, "rate must be a query, got 3"),
        ({"service": {"startup": 3}}, "service.startup is not known; did you mean 'startup_s'?"),
        ({"service": {"startup_s": -3}}, "service.startup_s must be a number above 0, got -3"),
        (
            {"service": {"startup_s": float("inf")}},
            "service.startup_s must be a number above 0, got inf",
        ),
        ({"service": [3]}, "service must be a mapping of numbers"),
        ({"latency_s": None}, "give service.service_time_s, or a query latency_s"),
        ({"replicas": None}, "give service.replica_rps, or a query replicas"),
    ],
)
def test_a_mapping_that_does_not_suffice_is_refused(change, sentence, tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING | change))
    points = tuple((15.0 * n, 10.0) for n in range(4))
    with pytest.raises(TuneInvalid) as caught:
        service_of(
            read_mapping(path),
            Read(points=points),
            lambda _query: Read(points=((0, 0.2), (15, 0.2))),
        )
    assert sentence in str(caught.value)
