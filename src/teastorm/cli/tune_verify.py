"""`teastorm tune --verify`: the choice tried on this machine or on a cluster, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teastorm.cli.errors import INCONCLUSIVE, USAGE, CommandError
from teastorm.cli.output import on_the_way, print_table, say

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings
    from teastorm.tune.session import Session
    from teastorm.tune.verify import Verified
    from teastorm.tune.verify_cluster import ClusterVerified


def tried_out(
    session: Session, out: Path, where: ClusterSettings | None, minutes: float | None, seeds: range
) -> Verified | ClusterVerified | None:
    """Run the choice, here or on a cluster; None where there is none."""
    if session.choice.chosen is None:
        on_the_way("nothing meets the objectives, so nothing is verified")
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
    return verify_on_cluster(session, out, where, seconds=seconds, seeds=seeds, told=on_the_way)


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
        outcome = runner.run(runner.Wish(path=path, seed=seeds[0], options=Options(say=on_the_way)))
    except RunProblem as problem:
        raise CommandError(problem.exit_code, problem.sentence) from problem
    if outcome.run_dir is None or outcome.result is None:
        why = "; ".join(outcome.trouble) or "the run was not judged"
        raise CommandError(outcome.exit_code or INCONCLUSIVE, f"--verify: {why}")
    on_the_way(f"the run was {outcome.result.verdict}: {outcome.result.reason} ({outcome.run_dir})")
    return compare(outcome.run_dir, seeds)


def show_verified(found: Verified | ClusterVerified) -> None:
    """Predicted beside measured; on a cluster also what the difference is made of."""
    from teastorm.cli.check_hpa import show  # noqa: PLC0415 - keeps --help fast
    from teastorm.tune.verify import Verified  # noqa: PLC0415 - the same
    from teastorm.tune.words import plain  # noqa: PLC0415 - the same

    verified = found if isinstance(found, Verified) else found.verified
    rows = [
        (
            f"{figure.name}{f', {figure.unit}' if figure.unit else ''}",
            "-" if figure.predicted is None else plain(figure.predicted),
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
