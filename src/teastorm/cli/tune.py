"""`teastorm tune`: autoscaler settings for a demand, by simulation, with files to apply them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from teastorm.cli.cluster import cluster_options
from teastorm.cli.errors import USAGE, CommandError, TerminatedError
from teastorm.cli.output import json_option, print_json, print_table, say
from teastorm.cli.plain import choose, plain_option, tell
from teastorm.cli.run import SEED_MAX
from teastorm.cli.types import Number

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings
    from teastorm.tune.score import Figure
    from teastorm.tune.session import Session
    from teastorm.tune.verify import Verified
    from teastorm.tune.verify_cluster import ClusterVerified

INCONCLUSIVE = 4
SCHEMA = "teastorm.tune/1"
TOKEN_VARIABLE = "TEASTORM_PROMETHEUS_TOKEN"  # noqa: S105 - a variable's name


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
@click.option("--now", type=click.Path(path_type=Path), help="The HPA in force, to compare with.")
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
    and what was predicted is put beside what was measured.
    """
    _refuse_unmatched(verify, verify_minutes, where, mapped=given["mapping"] is not None)
    choose(plain=plain)
    from teastorm.simulate.errors import ScenarioInvalid  # noqa: PLC0415 - keeps --help fast
    from teastorm.tune.asked import Asked, wish_of  # noqa: PLC0415 - the same
    from teastorm.tune.errors import TuneInvalid  # noqa: PLC0415 - the same
    from teastorm.tune.prometheus import Access  # noqa: PLC0415 - the same
    from teastorm.tune.session import tune as session_of  # noqa: PLC0415 - the same
    from teastorm.tune.write import refuse_unwritable, write  # noqa: PLC0415 - the same

    try:
        access = Access(
            token=_token(prometheus_token_file),
            ca=prometheus_ca,
            headers=MappingProxyType(dict(_header(text) for text in prometheus_header)),
        )
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
        verified = _tried_out(session, out, where, verify_minutes, seeds) if verify else None
    except TuneInvalid as error:
        raise CommandError(error.exit_code, str(error)) from error
    except ScenarioInvalid as error:
        raise CommandError(USAGE, str(error).rstrip(".")) from error
    if as_json:
        content = session.as_json() | {"files": [str(path) for path in files]}
        if verified is not None:
            content["verified"] = verified.as_json()
        print_json(SCHEMA, content)
    else:
        _show(session, files)
        if verified is not None:
            _show_verified(verified)
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
        _tell(
            "nothing was written; with --storage, finished trials would be kept"
            if storage is None
            else "finished trials are kept in --storage; the same command goes on from them"
        )
        raise


def _tried_out(
    session: Session, out: Path, where: ClusterSettings | None, minutes: float | None, seeds: range
) -> Verified | ClusterVerified | None:
    """Run the choice, here or on a cluster; None where there is none."""
    if session.choice.chosen is None:
        _tell("nothing meets the objectives, so nothing is verified")
        return None
    if where is None:
        return _verified(session, out, seeds)
    return _verified_there(session, out, where, minutes, seeds)


def _verified_there(
    session: Session, out: Path, where: ClusterSettings, minutes: float | None, seeds: range
) -> ClusterVerified:
    """Run the choice on a cluster."""
    from teastorm.tune.verify_cluster import verify_on_cluster  # noqa: PLC0415 - keeps --help fast

    seconds = None if minutes is None else 60 * minutes
    return verify_on_cluster(session, out, where, seconds=seconds, seeds=seeds, told=_tell)


def _verified(session: Session, out: Path, seeds: range) -> Verified:
    """Run the choice on the local platform and put the prediction beside it."""
    from teastorm.runner import run as runner  # noqa: PLC0415 - keeps --help fast
    from teastorm.runner.catalogue import EXPERIMENTS_DIR  # noqa: PLC0415 - the same
    from teastorm.runner.opening import Options  # noqa: PLC0415 - the same
    from teastorm.runner.problems import RunProblem  # noqa: PLC0415 - the same
    from teastorm.tune.verify import compare  # noqa: PLC0415 - the same
    from teastorm.tune.verify_experiment import experiment  # noqa: PLC0415 - the same

    template = EXPERIMENTS_DIR / "late-scaling.yaml"
    if not template.is_file():
        raise CommandError(USAGE, f"--verify: {template} is not here; run it in the repository")
    try:
        path = experiment(session, out, template)
        outcome = runner.run(runner.Wish(path=path, seed=seeds[0], options=Options(say=_tell)))
    except RunProblem as problem:
        raise CommandError(problem.exit_code, problem.sentence) from problem
    if outcome.run_dir is None or outcome.result is None:
        why = "; ".join(outcome.trouble) or "the run was not judged"
        raise CommandError(outcome.exit_code or INCONCLUSIVE, f"--verify: {why}")
    _tell(f"the run was {outcome.result.verdict}: {outcome.result.reason} ({outcome.run_dir})")
    return compare(outcome.run_dir, seeds)


def _show_verified(found: Verified | ClusterVerified) -> None:
    from teastorm.cli.check_hpa import show  # noqa: PLC0415 - keeps --help fast
    from teastorm.tune.verify import Verified  # noqa: PLC0415 - the same

    verified = found if isinstance(found, Verified) else found.verified
    rows = [
        (
            f"{figure.name}{f', {figure.unit}' if figure.unit else ''}",
            "-" if figure.predicted is None else words_of(figure.predicted),
            "-" if figure.measured is None else f"{figure.measured:.3g}",
        )
        for figure in verified.figures
    ]
    print_table(("figure", "predicted", "measured"), rows)
    say(f"Ready replicas within one of the predicted in {verified.within_one:.0%} of the seconds.")
    if isinstance(found, Verified):
        return
    if found.check is None:
        say(f"No more can be told apart: {found.why}.")
        return
    say("What of the difference is the port's, and what is left with this run's own numbers:")
    show(found.check)


def words_of(figure: Figure) -> str:
    """A figure with its interval."""
    from teastorm.tune.words import plain  # noqa: PLC0415 - keeps --help fast

    return plain(figure)


def _tell_from_the_search_on() -> Callable[[str], None]:
    """Progress; which simulator runs comes first, and only once something does."""
    begun = False

    def told(text: str) -> None:
        nonlocal begun
        if not begun:
            begun = True
            tell()
        _tell(text)

    return told


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _token(path: Path | None) -> str | None:
    if path is None:
        where, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token:
            return None
    else:
        where = f"--prometheus-token-file: {path}"
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(USAGE, f"{where} cannot be read") from error
    # What is no token would be sent as none, or as half of one, and be told as a 401.
    if re.fullmatch(r"[!-~]+", token) is None:
        raise CommandError(USAGE, f"{where} holds no token; write one, on one line, in ASCII")
    return token


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch(r"[!#-'*+.^`|~\w-]+", name.strip(), re.ASCII) and value.strip()):
        raise CommandError(USAGE, f"--prometheus-header: {text!r} must be NAME: VALUE")
    if not (value.strip().isascii() and value.strip().isprintable()):
        raise CommandError(USAGE, f"--prometheus-header: {name.strip()} must be ASCII on one line")
    return name.strip(), value.strip()


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
