"""`--plain`, and the line that says whether the simulator runs compiled."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from teastorm import compiled


def plain_option[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """`--plain`; the function receives `plain`."""
    option = click.option("--plain", is_flag=True, help="Pass over a compiled copy (make compile).")
    return option(command)


def choose(*, plain: bool) -> None:
    """Decide which is run, before the simulator is imported."""
    if plain:
        os.environ["TEASTORM_PLAIN"] = "1"  # worker processes read it too
    compiled.use()


def tell() -> None:
    """Say on standard error which it is; once the input is known to be good, for a refusal is one line."""
    sys.stderr.write(f"simulator: {compiled.use()}\n")
    sys.stderr.flush()
