"""`teastorm demo`: the day twice, without protections and with them, side by side."""

import sys
import time
from pathlib import Path

import click

from teastorm.cli.judged import in_one_sentence
from teastorm.cli.output import json_option, print_json, say
from teastorm.cli.types import SEED_MAX
from teastorm.runner.catalogue import find
from teastorm.runner.closing import Outcome
from teastorm.runner.folder import RUNS_DIR
from teastorm.runner.opening import Options
from teastorm.runner.problems import INTERRUPTED
from teastorm.runner.progress import Ticker
from teastorm.runner.run import Wish
from teastorm.runner.run import run as run_wish

EXPERIMENT = "milk-tea-day"
DEVIATED = 1


@click.command()
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=RUNS_DIR,
    show_default=True,
    help="Where run folders are made.",
)
@json_option
def demo(*, seed: int, runs_dir: Path, as_json: bool) -> int:
    """Replay the milk-tea day twice against the same shop and compare.

    Exit 0 when the lesson was seen: the unprotected arm deviated and the protected arm held.
    Otherwise the exit code of the arm that did not do what it should (4 for an unprotected arm
    that held). Ctrl-C at any moment ends everything and exits 130.
    """
    began = time.monotonic()
    ticker = Ticker()
    outcomes: list[Outcome] = []
    for arm in ("unprotected", "protected"):
        with in_one_sentence():
            wish = Wish(
                path=find(EXPERIMENT),
                arm=arm,
                seed=seed,
                options=Options(runs_dir=runs_dir, say=ticker.say),
            )
            outcome = run_wish(wish, ticker=ticker)
        for sentence in outcome.trouble:
            click.echo(f"teastorm: {sentence}", err=True)
        if outcome.result is None or outcome.exit_code == INTERRUPTED:
            return outcome.exit_code
        outcomes.append(outcome)
    code = _exit_code(*outcomes)
    if as_json:
        print_json("teastorm.demo/1", _content(outcomes, code))
        return code
    _show(outcomes, runs_dir)
    say(f"took {time.monotonic() - began:.0f} s")
    return code


def _content(outcomes: list[Outcome], code: int) -> dict[str, object]:
    """Both results and where their folders are."""
    arms = [
        {"run_dir": str(outcome.run_dir), "result": outcome.result.as_json()}
        for outcome in outcomes
        if outcome.result is not None
    ]
    return {"exit_code": code, "arms": arms}


def _show(outcomes: list[Outcome], runs_dir: Path) -> None:
    """The table, and where to read on."""
    from rich.console import Console  # noqa: PLC0415 - only a finished demo needs it

    from teastorm.report.compare import compare, terminal  # noqa: PLC0415 - the same
    from teastorm.report.write import COMPARISON, write_comparison  # noqa: PLC0415 - the same

    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    folders = [outcome.run_dir for outcome in outcomes if outcome.run_dir is not None]
    width = None if sys.stdout.isatty() else 140
    Console(highlight=False, width=width).print(terminal(compare(results)))
    page = write_comparison(runs_dir / COMPARISON, folders, results)
    say(f"comparison: {page}")
    for folder in folders:
        say(f"report:     {folder / 'report.html'}")


def _exit_code(unprotected: Outcome, protected: Outcome) -> int:
    if protected.exit_code != 0:
        return protected.exit_code
    if unprotected.exit_code == DEVIATED:
        return 0
    return unprotected.exit_code or 4
