"""Numbers on the command line that are numbers: `nan` and `inf` pass click's own ranges."""

import math
from typing import Any, override

import click

SEED_MAX = 2**31 - 1


class Number(click.FloatRange):
    """A finite float within bounds; `nan` is neither above nor below any bound, and refused."""

    name = "number"

    @override
    def _describe_range(self) -> str:
        """What --help shows of the bounds; click writes `x<=None` where there are none."""
        return "" if self.min is None and self.max is None else super()._describe_range()

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
