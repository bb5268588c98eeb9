"""`teastorm hpa`: decisions of the autoscaler, from case files."""

import sys
from pathlib import Path

import click
import orjson

from teastorm.autoscale.compare import difference
from teastorm.autoscale.replay import LineError, replay
from teastorm.cli.errors import USAGE, CommandError
from teastorm.cli.output import print_table, say

DEVIATED = 1


@click.group()
def hpa() -> None:
    """Replay an autoscaler's decisions."""


@hpa.command(name="replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one answer a line, nothing else.")
def replay_command(*, file: Path, as_json: bool) -> int:
    """Answer the cases in FILE (JSON lines), in order.

    Without --json: compare with the answers in the file, if it has them; exit 1 if one differs.
    """
    try:
        with file.open("rb") as lines:
            answered = list(replay(lines))
    except OSError as error:
        raise CommandError(USAGE, f"{file}: cannot be read ({error.strerror})") from error
    except LineError as error:
        raise CommandError(USAGE, f"{file}: {error}") from error
    if as_json:
        for _, answer in answered:
            sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
        return 0
    found = ((str(answer["id"]), difference(case, answer)) for case, answer in answered)
    differing = [(name, where) for name, where in found if where is not None]
    if differing:
        print_table(("case", "differs in"), differing)
    say(f"{len(answered)} cases answered, {len(differing)} differ from the answers in the file")
    return DEVIATED if differing else 0
