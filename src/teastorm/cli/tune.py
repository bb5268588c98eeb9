"""`teastorm tune`: autoscaler settings for a demand, by simulation, with files to apply them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teastorm.cli.cluster import cluster_options
from teastorm.cli.errors import INCONCLUSIVE, USAGE, CommandError, TerminatedError
from teastorm.cli.output import json_option, on_the_way, print_json, print_table, say
from teastorm.cli.plain import choose, plain_option, tell
from teastorm.cli.prometheus import access_of
from teastorm.cli.tune_verify import show_verified, tried_out
from teastorm.cli.types import SEED_MAX, Number

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings
    from teastorm.tune.session import Session

SCHEMA = "teastorm.tune/1"


@click.command()
@click.option(
    "--demand",
    required=True,
    metavar="FILE|run:DIR|prometheus:URL?query=…",
    help="A curve (minute,relative_rate), rates (time_s,rps), a recorded run, or a range.",
)
@click.option("--slo", default="good>=0.95", show_default=True, help="E.g. good>=0.98,p99<=1.5.")
@click.option("--peak-rps", type=Number(min=0, min_open=True), help="Of a curve's peak.")
@click.option("--calibrate", metavar="run:DIR", help="Take the service's numbers from a run.")
@click.option(
    "--mapping", type=click.Path(path_type=Path), help="Another service's metrics (YAML)."
)
@click.option("--prometheus-token-file", type=click.Path(path_type=Path), help="A bearer token.")
@click.option("--prometheus-ca", type=click.Path(path_type=Path), help="A CA's PEM file.")
@click.option("--prometheus-header", multiple=True, metavar="NAME: VALUE", help="E.g. a tenant's.")
@click.option(
    "--now", type=click.Path(path_type=Path), help="The HPA in force, or its Helm values."
)
@click.option(
    "--metric", "metrics", multiple=True, type=click.Choice(("cpu", "in_flight", "offered_rps"))
)
@click.option("--min-replicas", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--max-replicas", type=click.IntRange(1, 10_000), help="1.5 times the peak's need.")
@click.option("--startup-s", type=Number(0, 3600), help="From asked for to ready.")
@click.option("--plan/--no-plan", "planned", default=True, help="May replicas be planned ahead?")
@click.option("--with", "on", multiple=True, metavar="NAME", help="Switch a protection on.")
@click.option("--without", "off", multiple=True, metavar="NAME", help="Switch one off.")
@click.option(
    "--trials", type=click.IntRange(1, 100_000), default=60, show_default=True,
    help="Settings to try; with --storage, all machines together.",
)  # fmt: skip
@click.option("--search-seeds", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option("--time-factor", type=Number(1, 60), help="Compression; chosen by the demand's size.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--storage", metavar="URL", help="Optuna's storage: shares, and keeps, a study.")
@click.option("--study", default="teastorm-tune", show_default=True, help="Its name there.")
@click.option("--verify", is_flag=True, help="Then try the choice on the platform.")
@click.option(
    "--verify-minutes",
    type=Number(min=0, min_open=True),
    help="On a cluster: replay the demand in so many minutes; its own length by default.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("tuned"),
    show_default=True, help="Folder for tune.html, values.yaml, hpa.yaml, tune.json.",
)  # fmt: skip
@plain_option
@json_option
@cluster_options
def tune(
    *,
    calibrate: str | None,
    prometheus_token_file: Path | None,
    prometheus_ca: Path | None,
    prometheus_header: tuple[str, ...],
    out: Path,
    verify: bool,
    verify_minutes: float | None,
    plain: bool,
    as_json: bool,
    where: ClusterSettings | None,
    **given: object,
) -> int:
    """Search autoscaler settings that meet the objectives for the fewest pod-hours.

    Prints the trade-off and a recommendation; writes tune.html, tune.json and, if something meets
    the objectives, hpa.yaml and values.yaml (for the shop) into --out. Exit 4 when nothing does.
    With --storage, machines share a study, and a search that was cut short goes on. With --verify the
    choice then runs on this machine, or with --platform kubernetes on a cluster under its own HPA,
    and what was predicted is put beside what was measured. `make compile`, once, makes the simulator
    about three times as fast.
    """
    _refuse_unmatched(verify, verify_minutes, where, mapped=given["mapping"] is not None)
    choose(plain=plain)
    from teastorm.simulate.errors import ScenarioInvalid  # noqa: PLC0415 - keeps --help fast
    from teastorm.tune.asked import Asked, wish_of  # noqa: PLC0415 - the same
    from teastorm.tune.errors import TuneInvalid  # noqa: PLC0415 - the same
    from teastorm.tune.session import tune as session_of  # noqa: PLC0415 - the same
    from teastorm.tune.session_json import as_json as session_json  # noqa: PLC0415 - the same
    from teastorm.tune.write import refuse_unwritable, write  # noqa: PLC0415 - the same

    try:
        access = access_of(prometheus_token_file, prometheus_ca, prometheus_header)
        asked = Asked(
            access=access,
            calibrate=None if calibrate is None else Path(calibrate),
            **given,  # type: ignore[arg-type]  # click has checked them
        )
        refuse_unwritable(out)
        with _last_words(asked.storage):
            session = session_of(wish_of(asked), _tell_from_the_search_on())
        files = write(session, out)
        seeds = range(asked.seed, asked.seed + asked.seeds)
        verified = tried_out(session, out, where, verify_minutes, seeds) if verify else None
    except TuneInvalid as error:
        raise CommandError(error.exit_code, str(error)) from error
    except ScenarioInvalid as error:
        raise CommandError(USAGE, str(error).rstrip(".")) from error
    if as_json:
        content = session_json(session) | {"files": [str(path) for path in files]}
        if verified is not None:
            content["verified"] = verified.as_json()
        print_json(SCHEMA, content)
    else:
        _show(session, files)
        if verified is not None:
            show_verified(verified)
    return 0 if session.choice.chosen is not None else INCONCLUSIVE


def _refuse_unmatched(
    verify: bool, minutes: float | None, where: ClusterSettings | None, *, mapped: bool
) -> None:
    """CommandError for options that go with others only."""
    if not verify and (where is not None or minutes is not None):
        raise CommandError(USAGE, "--platform kubernetes and --verify-minutes go with --verify")
    if verify and minutes is not None and where is None:
        raise CommandError(USAGE, "--verify-minutes goes with --platform kubernetes")
    if verify and mapped:
        raise CommandError(USAGE, "--verify runs the shop, and --mapping is of another service")


@contextmanager
def _last_words(storage: str | None) -> Iterator[None]:
    """After an interrupt: whether what was tried is lost."""
    try:
        yield
    except (KeyboardInterrupt, TerminatedError):
        on_the_way(
            "nothing was written; with --storage, finished trials would be kept"
            if storage is None
            else "finished trials are kept in --storage; the same command goes on from them"
        )
        raise


def _tell_from_the_search_on() -> Callable[[str], None]:
    """Progress; which simulator runs comes first, and only once something does."""
    begun = False

    def told(text: str) -> None:
        nonlocal begun
        if not begun:
            begun = True
            tell()
        on_the_way(text)

    return told


def _show(session: Session, files: list[Path]) -> None:
    from teastorm.tune import words  # noqa: PLC0415 - keeps --help fast

    choice = session.choice
    rows = []
    for one in (*choice.front, *([choice.now] if choice.now else [])):
        score = one.score
        p99 = score.p99_s
        rows.append(
            (
                one.name,
                "yes" if score.meets(session.slo) else "no",
                words.percent(score.miss_share),
                "-" if p99 is None else words.plain(p99),
                words.plain(score.pod_hours, 4),
                words.plain(score.changes),
                session.now_words
                if one.setting is None
                else words.setting(one.setting, session.service),
            )
        )
    print_table(("", "meets", "misses", "p99 s", "pod-hours", "changes", "setting"), rows)
    for sentence in session.sentences:
        say(sentence)
    say("Assumed:")
    for line in session.assumed:
        say(f"- {line}")
    say(f"Written: {', '.join(str(path) for path in files)}")
