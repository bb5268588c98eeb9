"""`teastorm hpa`: decisions of the autoscaler, from case files."""

import gc
import sys
from pathlib import Path

import click
import orjson

from teastorm.autoscale.compare import difference
from teastorm.autoscale.replay import LineError, replay
from teastorm.cli.errors import USAGE, CommandError
from teastorm.cli.output import print_table, say

DEVIATED = 1


@click.group(invoke_without_command=True)
@click.pass_context
def hpa(ctx: click.Context) -> None:
    """Replay an autoscaler's decisions."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@hpa.command(name="replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one answer a line, nothing else.")
def replay_command(*, file: Path, as_json: bool) -> int:
    """Answer the cases in FILE (JSON lines), in order.

    Without --json: compare with the answers in the file, if it has them; exit 1 if one differs.
    """
    # Nothing here makes cycles; the collector would only walk every pod again and again.
    gc.disable()
    answered = 0
    told: list[bytes] = []  # nothing is printed before the last line is known to be good
    differing: list[tuple[str, str]] = []
    try:
        with file.open("rb") as lines:
            for line, answer in replay(lines):
                answered += 1
                if as_json:
                    told.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
                elif (where := difference(orjson.loads(line), answer)) is not None:
                    differing.append((str(answer["id"]), where))
    except OSError as error:
        raise CommandError(USAGE, f"{file}: cannot be read ({error.strerror})") from error
    except LineError as error:
        raise CommandError(USAGE, f"{file}: {error}") from error
    finally:
        gc.enable()
    if not answered:
        raise CommandError(USAGE, f"{file}: holds no case; it needs one JSON object a line")
    if as_json:
        sys.stdout.write(b"".join(told).decode())
        sys.stdout.flush()
        return 0
    if differing:
        print_table(("case", "differs in"), differing)
    say(f"{answered} cases answered, {len(differing)} differ from the answers in the file")
    return DEVIATED if differing else 0
