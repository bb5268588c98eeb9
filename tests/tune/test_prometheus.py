"""A Prometheus of somebody else: let in by token, tenant and the company's own CA."""

import dataclasses
import shutil
import ssl
import subprocess

import pytest
from tests.tune.prometheus_server import ACCESS, QUERIES, serving

from teastorm.tune.errors import SourceUnreachable
from teastorm.tune.prometheus import Access, fetch, parse_place


@pytest.fixture
def server():
    yield from serving()


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
