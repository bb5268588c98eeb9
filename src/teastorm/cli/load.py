"""`teastorm load`: offer load to a shop that runs already."""

import time
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from teastorm.cli.clean import RUN_MARKS
from teastorm.cli.errors import PRECONDITION, USAGE, CommandError
from teastorm.cli.judged import in_one_sentence
from teastorm.cli.output import json_option, print_json, say
from teastorm.cli.types import SEED_MAX, Number
from teastorm.platforms.local.state import OWNER_VARIABLE, StateFile
from teastorm.runner.arguments import refusals

DEFAULT_CAPACITY_RPS = 64.0
"""What two replicas of the AI with default settings can do (theory); --rate does without it."""
MOST_RPS = 100_000.0


@click.command()
@click.option("--rate", "rate_rps", type=Number(), help="Chats a second.")
@click.option("--factor", type=Number(), help="Chats as a multiple of --capacity.")
@click.option(
    "--capacity", "capacity_rps", type=Number(), default=DEFAULT_CAPACITY_RPS, show_default=True
)
@click.option("--seconds", type=Number(), default=30.0, show_default=True)
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option(
    "--endpoints",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The shop's endpoints file; without it, that of `teastorm up`.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the request log in this folder.",
)
@json_option
def load(
    *,
    rate_rps: float | None,
    factor: float | None,
    capacity_rps: float,
    seconds: float,
    seed: int,
    endpoints: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Offer chats at a constant rate, with the usual checkouts, payments and questions beside them.

    Ctrl-C ends it (exit 130). Without --out nothing is kept.
    """
    if (rate_rps is None) == (factor is None):
        raise CommandError(USAGE, "load: give one of --rate (chats a second) and --factor")
    _refuse("factor", factor, rate_rps)
    _refuse("fault_s", seconds, None, name="--seconds")
    _refuse("factor", None, capacity_rps, name="--capacity")
    wanted_rps = rate_rps if rate_rps is not None else (factor or 0.0) * capacity_rps
    with in_one_sentence():
        summary = _offer(wanted_rps, seconds, seed, endpoints or _running_shop(), out, as_json)
    if as_json:
        print_json("teastorm.load/1", summary)
    else:
        say(
            f"sent {summary['sent']} of {summary['planned']} requests; send lag p99 "
            f"{1000 * float(str(summary['lag_p99_s'])):.1f} ms, "
            f"CPU {100 * float(str(summary['cpu_share'])):.0f} % of a core"
        )
        if out is not None:
            say(f"request log: {out / 'requests.parquet'}")
    return 0


def _refuse(
    rule: str, factor: float | None, rate_rps: float | None, *, name: str = "--factor"
) -> None:
    if factor is not None:
        for _, refused in refusals("begin_load", {rule: factor}):
            raise CommandError(USAGE, f"load: {name} {refused}")
    if rate_rps is not None and not 0 < rate_rps < MOST_RPS:
        shown = name if name != "--factor" else "--rate"
        wanted = "above 0" if rate_rps <= 0 else f"below {MOST_RPS:g}"
        raise CommandError(USAGE, f"load: {shown} must be {wanted}, got {rate_rps:g}")


def _running_shop() -> Path:
    state = StateFile().read()
    if state is None:
        raise CommandError(PRECONDITION, "no shop runs here; start one with `teastorm up`")
    return Path(state.endpoints_file)


def _offer(
    rate_rps: float, seconds: float, seed: int, endpoints: Path, out: Path | None, quiet: bool
) -> dict[str, object]:
    import tempfile  # noqa: PLC0415 - --help need not wait for these

    from teastorm.chaos.offer import RunningLoad, inherited  # noqa: PLC0415 - the same
    from teastorm.load.endpoints import check_endpoints  # noqa: PLC0415 - the same
    from teastorm.load.errors import LoadError  # noqa: PLC0415 - the same
    from teastorm.load.plan import LoadPlan, Phase  # noqa: PLC0415 - the same
    from teastorm.load.start import start_load  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory(prefix="teastorm-load-") as spare:
        folder = out if out is not None else Path(spare)
        try:
            check_endpoints(endpoints)
            _refuse_evidence(folder)
            folder.mkdir(parents=True, exist_ok=True)
            plan = LoadPlan(
                capacity_rps=rate_rps, phases=(Phase(name="load", seconds=seconds, factor=1.0),)
            )
            # `teastorm down` finds the generator by this, should this process be killed.
            with inherited({OWNER_VARIABLE: str(StateFile().path)}):
                process = start_load(
                    plan=plan,
                    seed=seed,
                    run_dir=folder,
                    endpoints_file=endpoints,
                    t0_unix_s=time.time(),
                )
            running = RunningLoad(process)
            try:
                _watch(running, quiet=quiet)
                running.finish(timeout_s=60.0)
            finally:
                running.stop()
            return asdict(process.wait(1.0)) | _content(folder)
        except LoadError as error:
            raise CommandError(USAGE, f"load: {str(error).rstrip('.')}") from error
        except OSError as error:
            raise CommandError(USAGE, f"{folder}: cannot be used ({error.strerror})") from error


def _refuse_evidence(folder: Path) -> None:
    """A load writes a request log of its own: not over that of a run."""
    if any((folder / name).exists() for name in RUN_MARKS):
        raise CommandError(USAGE, f"load: --out: {folder} holds a run; name another folder")


def _watch(running: object, *, quiet: bool) -> None:
    from teastorm.chaos.offer import RunningLoad  # noqa: PLC0415 - see above

    if not isinstance(running, RunningLoad):
        raise TypeError("a generator's process is wanted")
    while running.running():
        time.sleep(1.0)
        now = running.progress()
        if now is not None and not quiet:
            click.echo(
                f"offered {now.offered_rps:5.0f}/s  good {now.good_rps:5.0f}/s  "
                f"refused {now.refused_rps:5.0f}/s  {now.left_s:3.0f} s left",
                err=True,
            )


def _content(folder: Path) -> dict[str, object]:
    content = orjson.loads((folder / "load.json").read_bytes())
    content.pop("schema", None)
    return dict(content)
