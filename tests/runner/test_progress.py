"""The line of progress on a terminal: narrow, dumb, or none."""

import io

import pytest

from teastorm.runner import progress
from teastorm.runner.progress import Ticker

LINE = "fault    offered   192/s  good    64/s  refused   100/s  replicas 8/8   12 s left"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "is_open", object)
    monkeypatch.setattr(progress, "progress_line", lambda _session: LINE)
    monkeypatch.setenv("TERM", "xterm")


def test_a_line_never_wraps_for_what_wrapped_cannot_be_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Terminal()
    ticker = Ticker(screen)
    ticker.tick()
    ticker.close()
    shown, cleared, _ = screen.getvalue().split("\r")
    assert shown == LINE[:19]
    assert cleared == " " * 19


@pytest.mark.parametrize("term", ["dumb", None])
def test_without_a_terminal_that_can_go_back_there_are_whole_lines(
    monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    if term is not None:
        monkeypatch.setenv("TERM", term)
    screen = Terminal() if term else io.StringIO()
    ticker = Ticker(screen)
    for _ in range(progress.PLAIN_EVERY - 1):
        ticker.tick()
    assert screen.getvalue() == ""
    monkeypatch.setattr(progress, "progress_line", lambda _session: LINE + " left")
    ticker.tick()
    assert screen.getvalue() == LINE + " left\n"
