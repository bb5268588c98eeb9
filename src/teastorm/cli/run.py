"""`teastorm run`: one experiment, from its file to its verdict."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from teastorm.cli import cluster
from teastorm.cli.errors import CommandError
from teastorm.cli.judged import in_one_sentence, print_result, say_verdict, show_checks
from teastorm.cli.output import say
from teastorm.cli.types import SEED_MAX, Number
from teastorm.platforms.select import open_platform
from teastorm.printable import printable
from teastorm.runner.catalogue import find
from teastorm.runner.closing import Outcome
from teastorm.runner.folder import RUNS_DIR
from teastorm.runner.opening import Options
from teastorm.runner.progress import Ticker
from teastorm.runner.run import ARMS, Wish, prepared
from teastorm.runner.run import run as run_wish

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings


@click.command()
@click.argument("experiment")
@click.option("--arm", type=click.Choice(ARMS), default="protected", show_default=True)
@click.option("--with", "on", multiple=True, metavar="NAME", help="Switch a protection on.")
@click.option("--without", "off", multiple=True, metavar="NAME", help="Switch one off.")
@click.option("--factor", type=Number(), help="The fault phase's load, as a multiple of K.")
@click.option(
    "--duration", "duration_s", type=Number(), help="The fault phase's length in seconds."
)
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@cluster.cluster_and_load_options
@click.option("--fresh-capacity", is_flag=True, help="Measure the capacity K again.")
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=RUNS_DIR,
    show_default=True,
    help="Where run folders are made.",
)
@click.option("--json", "as_json", is_flag=True, help="Print result.json's object, nothing else.")
def run(
    *,
    experiment: str,
    arm: str,
    on: tuple[str, ...],
    off: tuple[str, ...],
    factor: float | None,
    duration_s: float | None,
    seed: int,
    where: "ClusterSettings | None",
    fresh_capacity: bool,
    runs_dir: Path,
    as_json: bool,
) -> int:
    """Run EXPERIMENT (a file, or a name that `teastorm list` shows) and judge it.

    Starts the shop, offers the load, causes the faults, ends everything it started. Progress
    goes to standard error. Ctrl-C rolls faults back first and exits 130.
    """
    ticker = Ticker()
    with in_one_sentence():
        wish = Wish(
            path=find(experiment),
            arm=arm,
            seed=seed,
            platform="local" if where is None else "kubernetes",
            with_protections=on,
            without_protections=off,
            factor=factor,
            duration_s=duration_s,
            options=Options(
                runs_dir=runs_dir,
                fresh_capacity=fresh_capacity,
                say=ticker.say,
                platform=lambda name: open_platform(name, where),
            ),
        )
        prepared(wish)
        outcome = run_wish(wish, ticker=ticker)
    return show(outcome, as_json=as_json)


def show(outcome: Outcome, *, as_json: bool) -> int:
    """Print an outcome; its exit code. CommandError when there is no result to show."""
    result = outcome.result
    if result is None:
        sentence = "; ".join(outcome.trouble) or "interrupted before there was anything to judge"
        raise CommandError(outcome.exit_code, sentence)
    for sentence in outcome.trouble:
        click.echo(f"teastorm: {printable(sentence)}", err=True)
    if as_json:
        print_result(result, outcome.exit_code)
    else:
        show_checks(result)
        say_verdict(result, outcome.exit_code)
        if outcome.run_dir is not None:
            say(f"run folder: {outcome.run_dir}")
            if (outcome.run_dir / "report.html").is_file():
                say(f"report: {outcome.run_dir / 'report.html'}")
    return outcome.exit_code
