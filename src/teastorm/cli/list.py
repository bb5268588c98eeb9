"""`teastorm list`: the experiments there are, what they check and how long they take."""

from pathlib import Path

import click

from teashop.serving.settings import Protections
from teastorm.cli.judged import in_one_sentence
from teastorm.cli.output import json_option, print_json, print_table, say
from teastorm.runner.catalogue import EXPERIMENTS_DIR, catalogue
from teastorm.runner.document import parse
from teastorm.runner.experiment import Experiment, outlined

AROUND_S = 12.0
"""Start of the shop, last answers, reading the books, judging."""


@click.command(name="list")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=EXPERIMENTS_DIR,
    show_default=True,
    help="Where experiments are.",
)
@json_option
def list_(*, directory: Path, as_json: bool) -> int:
    """List experiments (title, faults, checks, duration) and the protections to switch."""
    with in_one_sentence():
        found = [outlined(parse(path), path) for path in catalogue(directory)]
    names = Protections.names()
    if as_json:
        rows = [_row(experiment) for experiment in found]
        print_json("teastorm.list/1", {"experiments": rows, "protections": list(names)})
        return 0
    if not found:
        say(f"no experiments in {directory}")
        return 0
    print_table(
        ("experiment", "title", "load", "faults", "checks", "seconds", "platform"),
        [
            (
                experiment.name,
                experiment.title,
                f"{experiment.load.factor:g}x K",
                ", ".join(experiment.faults) or "-",
                str(len(experiment.checks)),
                f"{experiment.load.seconds + AROUND_S:.0f}",
                experiment.platform or "any",
            )
            for experiment in found
        ],
    )
    say("")
    say(f"protections (--with, --without): {', '.join(names)}")
    say("run one: teastorm run overload-3x --arm unprotected")
    return 0


def _row(experiment: Experiment) -> dict[str, object]:
    return {
        "name": experiment.name,
        "file": str(experiment.path),
        "title": experiment.title,
        "description": experiment.description,
        "factor": experiment.load.factor,
        "load_s": experiment.load.seconds,
        "about_s": experiment.load.seconds + AROUND_S,
        "faults": list(experiment.faults),
        "checks": list(experiment.checks),
        "replicas": dict(experiment.replicas),
        "platform": experiment.platform,
    }
