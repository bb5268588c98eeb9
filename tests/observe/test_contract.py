"""Both metric sources answer the same questions about the same real targets, the same way."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.observe.conftest import Target
from tests.waiting import until

from teastorm.observe import prometheus, recorded
from teastorm.observe.recorder import FlightRecorder
from teastorm.observe.source import MetricSource, NoDataError


@dataclass
class Story:
    """What happened to the targets, and the two that watched; moments in seconds since t0."""

    start_s: float
    end_s: float
    sources: dict[str, MetricSource]


@pytest.fixture(scope="module")
def story(
    targets: list[Target], prometheus_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    t0_s, t0_unix_s = time.monotonic(), time.time()
    watched = [target.scrape for target in targets]
    recorder = FlightRecorder(lambda: watched, t0_s=t0_s, period_s=0.5)
    theirs = prometheus.connect(prometheus_url, t0_unix_s=t0_unix_s)
    first, second = targets
    for target in targets:
        target.answers.labels("full").inc(100)
        target.waiting.set(1)
    recorder.start()

    def now_s() -> float:
        return time.monotonic() - t0_s

    def seen(rung: str, value: float) -> bool:
        try:
            return theirs.gauge("teashop_answers_total", {"rung": rung}, now_s()) == value
        except NoDataError:
            return False

    def both_look(times: int) -> None:
        """At every target. Of two looks to come the second began after this was called."""
        wanted = {target.replica: [n + times for n in target.looks()] for target in targets}
        until(
            lambda: all(
                have >= want
                for target in targets
                for have, want in zip(target.looks(), wanted[target.replica], strict=True)
            ),
            f"both sources look {times} more times",
        )

    until(lambda: seen("full", 200), "Prometheus saw both targets")
    start_s = now_s()
    # A sample carries the moment its scrape began, and shows what the page said later: a scrape
    # under way at `start_s` must have its page before anything changes.
    both_look(2)
    first.answers.labels("full").inc(30)
    second.answers.labels("full").inc(12)
    second.answers.labels("menu").inc(5)  # a series born inside the window
    first.waiting.set(4)
    for seconds, times in ((0.05, 50), (0.3, 40), (0.7, 10)):
        for _ in range(times):
            first.seconds.observe(seconds)
    until(lambda: seen("full", 242), "Prometheus saw the answers")
    both_look(2)
    first.answers.clear()  # a restarted process counts from zero
    first.answers.labels("full").inc(7)
    until(lambda: seen("full", 119), "Prometheus saw the reset")
    both_look(2)
    recorder.stop()
    path: Path = tmp_path_factory.mktemp("run") / "metrics.parquet"
    assert recorder.write(path) > 0
    return Story(
        start_s=start_s,
        end_s=now_s(),
        sources={"recorder": recorded.open_recording(path), "prometheus": theirs},
    )


@pytest.fixture(params=["recorder", "prometheus"])
def source(request: pytest.FixtureRequest, story: Story) -> MetricSource:
    return story.sources[request.param]


def test_counter_increase_sums_replicas_over_a_reset(source: MetricSource, story: Story) -> None:
    grown = source.counter_increase(
        "teashop_answers_total", {"rung": "full"}, story.start_s, story.end_s
    )
    assert grown == 30 + 12 + 7


def test_counter_increase_of_one_replica(source: MetricSource, story: Story) -> None:
    labels = {"rung": "full", "service": "gateway", "replica": "gateway-2"}
    assert source.counter_increase(
        "teashop_answers_total", labels, story.start_s, story.end_s
    ) == pytest.approx(12)


def test_a_series_born_in_the_window_began_at_zero(source: MetricSource, story: Story) -> None:
    labels = {"rung": "menu"}
    grown = source.counter_increase("teashop_answers_total", labels, story.start_s, story.end_s)
    assert grown == 5


def test_gauge_sums_replicas(source: MetricSource, story: Story) -> None:
    assert source.gauge("vllm:num_requests_waiting", {}, story.end_s) == 5
    assert source.gauge("vllm:num_requests_waiting", {"replica": "gateway-1"}, story.end_s) == 4


def test_gauge_over_shows_the_change(source: MetricSource, story: Story) -> None:
    points = source.gauge_over("vllm:num_requests_waiting", {}, story.start_s, story.end_s)
    assert points[0] == (story.start_s, 2)
    assert {value for _, value in points} <= {2.0, 5.0}
    assert points[-1][1] == 5


@pytest.mark.parametrize(("q", "expected"), [(0.25, 0.05), (0.9, 0.5), (0.95, 0.75), (1.0, 1.0)])
def test_histogram_quantile(source: MetricSource, story: Story, q: float, expected: float) -> None:
    found = source.histogram_quantile("teashop_seconds", q, {}, story.start_s, story.end_s)
    assert found == pytest.approx(expected)


def test_replicas_that_answer_are_up(source: MetricSource, story: Story) -> None:
    assert source.gauge("up", {"service": "gateway"}, story.end_s) == 2


@pytest.mark.parametrize("labels", [{"rung": "cache"}, {"service": "orders"}])
def test_no_series_is_no_data(source: MetricSource, story: Story, labels: dict[str, str]) -> None:
    window = (story.start_s, story.end_s)
    with pytest.raises(NoDataError, match="teashop_answers_total"):
        source.counter_increase("teashop_answers_total", labels, *window)
    with pytest.raises(NoDataError):
        source.gauge("teashop_answers_total", labels, story.end_s)
    with pytest.raises(NoDataError):
        source.gauge_over("teashop_answers_total", labels, *window)
    with pytest.raises(NoDataError):
        source.histogram_quantile("teashop_answers", 0.5, labels, *window)


def test_nothing_counted_is_no_data(source: MetricSource, story: Story) -> None:
    with pytest.raises(NoDataError, match="nothing was counted"):
        source.histogram_quantile(
            "teashop_seconds", 0.5, {"replica": "gateway-2"}, story.start_s, story.end_s
        )


def test_a_window_has_a_length(source: MetricSource, story: Story) -> None:
    with pytest.raises(ValueError, match="end_s must be after start_s"):
        source.counter_increase("teashop_answers_total", {}, story.end_s, story.start_s)
