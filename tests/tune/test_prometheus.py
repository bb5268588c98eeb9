"""A Prometheus of somebody else: let in by token and tenant, its metrics mapped to the model."""

import dataclasses
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import yaml

from teastorm.autoscale.manifest import read_manifest
from teastorm.simulate.hpa import scaling_of
from teastorm.tune import manifests
from teastorm.tune.asked import Asked, wish_of
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.mapping import read_mapping, service_of
from teastorm.tune.prometheus import Access, fetch, parse_place
from teastorm.tune.series import Read
from teastorm.tune.session import tune
from teastorm.tune.setting import Metric, Setting

QUERIES = {
    "sum(rate(http_requests_total[1m]))": [10, 10, 20, 80, 80, 20, 10, 10],
    "histogram_quantile(0.5, latency)": [0.2, 0.2, 0.25, 0.9, 1.2, 0.3, 0.2, 0.2],
    "sum(replicas)": [2, 2, 2, 2, 2, 4, 4, 4],
}


@pytest.fixture
def server():
    yield from serving()


def serving(context=None):
    """A Prometheus that wants a token; with a TLS context it speaks https."""
    seen = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            given = {key: values[0] for key, values in parse_qs(parts.query).items()}
            seen.append((parts.path, given, dict(self.headers)))
            if self.headers.get("Authorization") != "Bearer s3cret":
                return self.answer(401, {"status": "error"})
            values = QUERIES.get(given["query"])
            start, step = float(given["start"]), float(given["step"])
            rows = (
                []
                if values is None
                else [
                    {
                        "metric": {},
                        "values": [[start + n * step, str(v)] for n, v in enumerate(values)],
                    }
                ]
            )
            return self.answer(200, {"status": "success", "data": {"result": rows}})

        def answer(self, status, content):
            body = orjson.dumps(content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    scheme = "http"
    if context is not None:
        scheme = "https"
        http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"{scheme}://127.0.0.1:{http.server_port}", seen
    http.shutdown()
    http.server_close()


ACCESS = Access(token="s3cret", headers=MappingProxyType({"X-Scope-OrgID": "shop"}))


def test_token_and_tenant_are_sent_and_the_range_is_asked_for(server):
    url, seen = server
    text = f"prometheus:{url}/base?query=sum(rate(http_requests_total[1m]))&start=600&end=705"
    read = fetch(parse_place(text, now_s=0), ACCESS)
    assert [value for _, value in read.points] == QUERIES["sum(rate(http_requests_total[1m]))"]
    [(path, given, headers)] = seen
    assert path == "/base/api/v1/query_range"
    assert (given["start"], given["end"], given["step"]) == ("600", "705", "15")
    assert headers["X-Scope-OrgID"] == "shop"


def test_a_refused_token_is_a_precondition(server):
    url, _ = server
    place = parse_place(f"prometheus:{url}?query=x&start=0&end=60", now_s=0)
    with pytest.raises(SourceUnreachable, match="the query failed: HTTP 401"):
        fetch(place, Access(token="wrong"))


@pytest.fixture
def certificate(tmp_path):
    """A self-signed one for 127.0.0.1: the CA's file of a Prometheus inside a company."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("NOT TESTED: openssl is not on PATH, and no certificate can be made")
    key, pem = tmp_path / "key.pem", tmp_path / "ca.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]  # fmt: skip
    subprocess.run([openssl, *words], check=True, capture_output=True, timeout=60)
    return key, pem


def test_a_companys_own_ca_is_trusted_when_it_is_named_and_only_then(certificate):
    key, pem = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    served = serving(context)
    url, seen = next(served)
    query = "sum(rate(http_requests_total[1m]))"
    place = parse_place(f"prometheus:{url}?query={query}&start=600&end=705", now_s=0)
    try:
        with pytest.raises(SourceUnreachable, match=r"SSL|certificate"):
            fetch(place, ACCESS)
        assert not seen  # the token was not shown to a stranger
        read = fetch(place, dataclasses.replace(ACCESS, ca=pem))
    finally:
        next(served, None)
    assert [value for _, value in read.points] == QUERIES[query]


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


def test_a_start_up_that_was_given_is_not_assumed(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("time_s,rps\n0,5\n60,5\n")
    usual, given = (
        wish_of(Asked(demand=str(path), slo="good>=0.9", startup_s=s)).service for s in (None, 90.0)
    )
    assert (usual.startup_s, given.startup_s) == (60, 90)
    assert any(each.startswith("start-up: 60 s") for each in usual.assumed)
    assert not any(each.startswith("start-up: ") for each in given.assumed)


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
