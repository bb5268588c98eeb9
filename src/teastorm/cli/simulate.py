"""`teastorm simulate`: a day in the simulated shop, theory checks, prediction beside measurement."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teastorm.cli.errors import USAGE, CommandError
from teastorm.cli.output import json_option, on_the_way, print_json, print_table, say
from teastorm.cli.plain import choose, plain_option, tell
from teastorm.cli.simulate_checks import live, theory
from teastorm.cli.types import SEED_MAX, Number

if TYPE_CHECKING:
    from teastorm.simulate.many import Run

SCHEMA = "teastorm.simulate/1"
_TELL_EVERY_S = 2.0


@click.command()
@click.option("--orders", type=Number(min=1), help="Orders of the day; 20,000 by default.")
@click.option("--hours", type=Number(min=0, min_open=True), help="Length of the day.")
@click.option("--replicas", type=click.IntRange(1, 10_000), help="Inference replicas.")
@click.option(
    "--demand",
    metavar="FILE|run:DIR",
    help="A curve (minute,relative_rate), rates (time_s,rps), or a recorded run's arrivals.",
)
@click.option("--experiment", metavar="NAME", help="The load and shop of an experiment.")
@click.option(
    "--arm",
    type=click.Choice(("protected", "unprotected")),
    help="All protections on, or off; by default on, or as a recorded run had them.",
)
@click.option("--with", "on", multiple=True, metavar="NAME", help="Switch a protection on.")
@click.option("--without", "off", multiple=True, metavar="NAME", help="Switch one off.")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.NAME=VALUE")
@click.option(
    "--hpa",
    type=click.Path(path_type=Path),
    help="Scale by this HPA: a manifest, or values of the chart; with what `tune` planned in it.",
)
@click.option("--plan/--no-plan", "planned", default=True, help="With --hpa: as it was planned.")
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option("--seeds", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add each finished seed to this file at once; a later call goes on from it.",
)
@click.option("--check-theory", is_flag=True, help="Hold the engine to queueing theory.")
@click.option(
    "--check-live",
    type=click.Path(path_type=Path, file_okay=False),
    help="Simulate a recorded run and compare.",
)
@click.option(
    "--check-hpa",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Hold a record of a cluster's HPA (hpa-record.json) to the model and to the port.",
)
@click.option(
    "--calibrate-hpa",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the model's numbers for --check-hpa from this other record.",
)
@plain_option
@json_option
def simulate(
    *,
    orders: float | None,
    hours: float | None,
    replicas: int | None,
    demand: str | None,
    experiment: str | None,
    arm: str | None,
    on: tuple[str, ...],
    off: tuple[str, ...],
    assignments: tuple[str, ...],
    hpa: Path | None,
    planned: bool,
    seed: int,
    seeds: int,
    workers: int,
    keep: Path | None,
    check_theory: bool,
    check_live: Path | None,
    check_hpa: Path | None,
    calibrate_hpa: Path | None,
    plain: bool,
    as_json: bool,
) -> int:
    """Simulate a day in the shop with its own policies; equal seeds give equal bytes.

    Without a demand: the milk-tea day with --orders in all, its peak at three times the capacity.
    Under --hpa the shop around the AI is so wide that it never decides, as `tune` has it.
    Progress goes to standard error; `make compile`, once, makes it about three times as fast.
    --check-theory, --check-live and --check-hpa exit 1 when a
    figure is outside its interval or its goal.
    """
    choose(plain=plain)
    from teastorm.simulate.asked import Asked, scenario_of  # noqa: PLC0415 - keeps --help fast
    from teastorm.simulate.errors import ScenarioInvalid  # noqa: PLC0415 - the same
    from teastorm.simulate.many import run_seeds  # noqa: PLC0415 - the same
    from teastorm.simulate.summary import summary  # noqa: PLC0415 - the same

    chosen = range(seed, seed + seeds)
    several = chosen if seeds > 1 else range(seed, seed + 5)
    if check_hpa is not None:
        from teastorm.cli.check_hpa import check  # noqa: PLC0415 - keeps --help fast

        return check(check_hpa, calibrate_hpa, several, as_json=as_json)
    if calibrate_hpa is not None:
        raise CommandError(USAGE, "--calibrate-hpa goes with --check-hpa")
    try:
        if check_theory:
            return theory(chosen if seeds > 1 else range(seed, seed + 20), workers, as_json)
        if check_live is not None:
            return live(check_live, several, workers, as_json)
        asked = Asked(
            orders=orders,
            hours=hours,
            replicas=replicas,
            demand=demand,
            experiment=experiment,
            arm=arm,
            on=on,
            off=off,
            assignments=assignments,
            hpa=hpa,
            planned=planned,
        )
        scenario = scenario_of(asked)
        tell()
        runs = run_seeds(
            scenario,
            chosen,
            workers=workers,
            kept=keep,
            told=_tell,
            progress=_Ticker(scenario.demand.seconds),
        )
    except ScenarioInvalid as error:
        raise CommandError(USAGE, str(error).rstrip(".")) from error
    if as_json:
        print_json(SCHEMA, {"summary": summary(runs), "runs": runs})
    else:
        _show(runs)
    return 0


class _Ticker:
    """A line every `_TELL_EVERY_S` of a run that takes long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next_s = time.monotonic() + _TELL_EVERY_S

    def __call__(self, now_s: float, arrivals: int) -> None:
        """Tell, if it is time."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _TELL_EVERY_S
            on_the_way(f"{now_s:.0f} of {self._seconds:.0f} s, {arrivals} wishes")


def _tell(done: int, of: int) -> None:
    on_the_way(f"simulated {done} of {of} seeds")


def _show(runs: list[Run]) -> None:
    for run in runs:
        say(f"seed {run['seed']}: {run['arrivals']} wishes, {run['events']} events")
        rows = []
        classes = run["classes"]
        if isinstance(classes, dict):
            for name, c in classes.items():
                times = ["-" if c[k] is None else f"{1000 * c[k]:.0f}" for k in ("p50_s", "p99_s")]
                counts = [str(c[k]) for k in ("offered", "good", "degraded", "refused", "failed")]
                rows.append((name, *counts, f"{c['goodput_rps']:.1f}", *times))
        print_table(
            ("class", "offered", "good", "degraded", "refused", "failed", "goodput/s", "p50 ms",
             "p99 ms"),
            rows,
        )  # fmt: skip
