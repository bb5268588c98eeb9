"""What commands print: rich text on a terminal, plain text elsewhere, versioned JSON on demand."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import click
import orjson

from teastorm.printable import printable


def json_option[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """`--json`, which every command has; the function receives `as_json`."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one versioned object.")
    return option(command)


def print_json(schema: str, content: Mapping[str, object]) -> None:
    """One line: `{"schema": "teastorm.<command>/1", …}`."""
    line = orjson.dumps({"schema": schema, **content}, option=orjson.OPT_SERIALIZE_NUMPY)
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def say(text: str, *, style: str = "") -> None:
    """A line for a person, or several."""
    text = "\n".join(map(printable, text.split("\n")))
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - only terminals pay for it

        Console(highlight=False, soft_wrap=True).print(text, style=style, markup=False)
    else:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def on_the_way(text: str) -> None:
    """One line of progress, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere columns padded with blanks, which `awk` can split."""
    rows = [list(map(printable, row)) for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - only terminals pay for it
        from rich.table import Table  # noqa: PLC0415 - the same
        from rich.text import Text  # noqa: PLC0415 - the same

        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console(highlight=False).print(table)
        return
    lines = [list(columns), *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def working(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Say what takes long, on stderr: a spinner on a terminal, one line elsewhere."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415 - only terminals pay for it

        with Console(stderr=True).status(text):
            yield
    else:
        sys.stderr.write(f"{text} …\n")
        sys.stderr.flush()
        yield
