"""A Prometheus that misbehaves costs one sentence, bounded time and bounded memory."""

from __future__ import annotations

import datetime as dt
import threading
from types import MappingProxyType

import orjson
import pytest
from click.testing import CliRunner
from tests.tune.bad_prometheus import (
    Script,
    answer,
    endless,
    hang_up,
    serving,
    signed_by_nobody,
    trickle,
)

from teastorm.cli.main import cli
from teastorm.tune import asking
from teastorm.tune.answer import AskError
from teastorm.tune.asking import Asking
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.prometheus import Access, fetch, parse_place
from teastorm.tune.series import Place, Read

START = 1_770_379_200


def matrix(*series: list[object], **more: object) -> bytes:
    rows = [{"metric": {"pod": str(n)}, "values": values} for n, values in enumerate(series)]
    data = {"resultType": "matrix", "result": rows}
    return orjson.dumps({"status": "success", "data": data, **more})


def samples(*values: object, start: float = START, step: float = 15) -> list[object]:
    return [[start + n * step, str(value)] for n, value in enumerate(values)]


GOOD = answer(matrix(samples(10, 20, 10)))


def asked(url: str, query: str = "q", *, seconds: int = 30) -> Read:
    place = Place(url=url, query=query, start_s=START, end_s=START + seconds, step_s=15)
    return fetch(place, Access())


def error(text: str, kind: str = "bad_data") -> bytes:
    return orjson.dumps({"status": "error", "errorType": kind, "error": text})


@pytest.mark.parametrize(
    ("script", "code", "sentence"),
    [
        (answer(error("out of memory", "internal"), status="500 Oops"), 3, "out of memory"),
        (answer("<html>proxy</html>", status="500 Oops"), 3, "HTTP 500 Oops"),
        (answer("", status="502 Bad Gateway"), 3, "HTTP 502 Bad Gateway"),
        (answer("denied", status="401 Unauthorized"), 3, "HTTP 401 Unauthorized"),
        (answer("", status="429 Slow", headers=("Retry-After: 86400",)), 3, "again in 86400 s"),
        (answer("", status="503 No", headers=("Retry-After: " + "9" * 5000,)), 3, "again in 1e+09"),
        (answer("", status="429 Slow", headers=("Retry-After: tomorrow",)), 3, "HTTP 429 Slow"),
        (answer(error("1:5: parse error: unexpected <eof>"), status="400 Bad"), 2, "parse error"),
        (answer(error("query timed out"), status="422 No"), 2, "query timed out"),
        (answer(error("bad range")), 2, "the query failed: bad range"),
        (answer(error("timed out", "timeout")), 3, "the query failed: timed out"),
        (answer("no such page", status="404 Not Found"), 2, "HTTP 404 Not Found"),
        (answer("too long", status="414 URI Too Long"), 2, "HTTP 414 URI Too Long"),
        (answer("", status="403 Forbidden"), 3, "HTTP 403 Forbidden"),
        (answer("", status="408 Request Timeout"), 3, "HTTP 408 Request Timeout"),
        (answer("<html><body>Sign in</body></html>"), 2, "it answers with a web page, as a login"),
        (answer("\n <!doctype html>", headers=("Content-Type: text/html",)), 2, "a web page"),
        (answer(""), 2, "it answers what no Prometheus does; name the URL of one"),
        (answer("[" * 100_000), 2, "it answers what no Prometheus does"),
        (answer('{"status":"success","data":[1]}'), 2, "it answers what no Prometheus does"),
        (answer('{"status":"success"}'), 2, "it answers what no Prometheus does"),
        (answer("3"), 2, "it answers what no Prometheus does"),
        (answer('{"status":"success","data":{"result":7}}'), 2, "gave no matrix"),
        (answer('{"status":"success","data":{"result":[[1,"2"]]}}'), 2, "gave no matrix"),
        (answer(matrix(samples(1, 2))[:40], claims=30), 3, "the query failed: "),
        (hang_up, 3, "the query failed: "),
        (answer(b"\0\1", headers=("Content-Encoding: gzip",)), 3, "the query failed: "),
        (answer("", status="302 Found", headers=("Location: /again",)), 3, "30 redirects"),
        (answer("", status="302 Found", headers=("Location: gopher://x/",)), 3, "gopher"),
        (endless, 2, "its answer is larger than 32 MB; put sum(…) around the query"),
    ],
)
def test_a_server_that_misbehaves_is_told_in_one_sentence(script, code, sentence):
    """Exit 2: another URL, query or range; exit 3: not now, or not for this caller."""
    with serving(script) as (url, _), pytest.raises(TuneInvalid) as caught:
        asked(url)

    assert sentence in str(caught.value)
    assert caught.value.exit_code == code
    assert str(caught.value).startswith(f"{url}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("script", [trickle, lambda left: lambda _: left.wait(20)])
def test_one_that_is_slow_is_not_waited_for_for_ever(script):
    left = threading.Event()
    now = dt.datetime.fromtimestamp(START, tz=dt.UTC)
    with serving(script(left)) as (url, _):
        slow = Asking(url, headers={}, within_s=0.5)
        with pytest.raises(AskError, match=r"it had not answered whole after 0\.5 s"):
            slow.range("q", start=now, end=now, step_s=15)
        left.set()


def test_retry_after_is_waited_for_and_no_longer_than_it_says(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(asking, "sleep", slept.append)
    later = answer("", status="429 Slow", headers=("Retry-After: 7",))
    with serving(later, later, GOOD) as (url, heads):
        read = asked(url)

    assert [value for _, value in read.points] == [10, 20, 10]
    assert (slept, len(heads)) == ([7, 7], 3)


def test_a_server_that_puts_off_again_and_again_is_left(monkeypatch):
    monkeypatch.setattr(asking, "sleep", lambda _: None)
    later = answer("", status="503 Busy", headers=("Retry-After: 1",))
    with serving(later) as (url, heads), pytest.raises(SourceUnreachable, match="HTTP 503"):
        asked(url)

    assert len(heads) == 3


def test_a_certificate_that_nobody_signed_is_named(tmp_path):
    certificate, tls = signed_by_nobody(tmp_path)
    with serving(GOOD, tls=tls) as (url, heads):
        with pytest.raises(SourceUnreachable, match="certificate verify failed"):
            asked(url)
        assert heads == []
        place = Place(url=url, query="q", start_s=START, end_s=START + 30, step_s=15)
        assert fetch(place, Access(ca=certificate)).points[1] == (15, 20)


def test_a_ca_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    place = Place(url="https://127.0.0.1:1", query="q", start_s=0, end_s=60, step_s=15)
    with pytest.raises(SourceUnreachable, match=r"^https://127\.0\.0\.1:1: the query failed: "):
        fetch(place, Access(ca=tmp_path / "ca.pem"))


def test_a_token_is_not_replaced_by_netrc_and_not_given_to_another_host(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(GOOD) as (there, got_there):
        elsewhere = there.replace("127.0.0.1", "localhost")
        moved = answer("", status="307 Moved", headers=(f"Location: {elsewhere}/api",))
        with serving(moved) as (url, got):
            place = Place(url=url, query="q", start_s=START, end_s=START + 30, step_s=15)
            access = Access(token="s3cret", headers=MappingProxyType({"X-Scope-OrgID": "shop"}))
            fetch(place, access)

    assert "Authorization: Bearer s3cret" in got[0]
    assert "X-Scope-OrgID: shop" in got[0]
    assert "Authorization" not in got_there[0]


def test_a_password_in_the_url_is_used_and_not_told():
    with serving(answer("no", status="403 Forbidden")) as (url, heads):
        known = url.replace("http://", "http://me:s3cret@")
        with pytest.raises(SourceUnreachable) as caught:
            asked(known)

    assert "Authorization: Basic " in heads[0]
    assert "s3cret" not in str(caught.value)


def test_what_the_server_warns_of_is_told():
    partial = answer(matrix(samples(1, 2, 1), warnings=["partial response: store-3 is away"]))
    with serving(partial) as (url, _):
        read = asked(url)

    assert read.told == ("the server warned: partial response: store-3 is away",)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--prometheus-token-file", "empty"), "empty holds no token"),
        (("--prometheus-token-file", "two"), "two holds no token"),
        (("--prometheus-header", "no colon"), "'no colon' must be NAME: VALUE"),
        (("--prometheus-header", "X Y: z"), "'X Y: z' must be NAME: VALUE"),
        (("--prometheus-header", "X-Shop: 奶茶"), "X-Shop must be ASCII on one line"),
        (("--prometheus-header", "X-Shop: a\nHost: b"), "X-Shop must be ASCII on one line"),
    ],
)
def test_what_cannot_be_sent_is_refused(words, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("one\ntwo\n")
    words = ["tune", "--demand", "prometheus:http://127.0.0.1:9/?query=q", *words]
    told = CliRunner().invoke(cli, words)

    assert told.exit_code == 2
    assert sentence in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999", "http://:9090", "http://h:x"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(TuneInvalid, match=r"must be prometheus:http\[s\]://HOST"):
        parse_place(f"prometheus:{url}/?query=q", now_s=START)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer("<html>", status="500 Oops"), 3),
        (answer("<html>Sign in"), 2),
        (answer(matrix()), 2),
        (answer(matrix([[START + 15, "1"], [START, "2"]])), 2),
        (hang_up, 3),
    ],
)
def test_the_command_ends_so_and_writes_nothing(script: Script, code: int, tmp_path):
    with serving(script) as (url, _):
        demand = f"prometheus:{url}/?query=q&start={START}&end={START + 60}"
        out = tmp_path / "tuned"
        told = CliRunner().invoke(cli, ["tune", "--demand", demand, "--out", str(out)])

    assert told.exit_code == code
    assert told.stderr.count("\n") == 1
    assert not out.exists()
