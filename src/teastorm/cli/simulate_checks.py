"""`teastorm simulate --check-theory` and `--check-live`: the model held to theory and to a run."""

from __future__ import annotations

from pathlib import Path

from teastorm.cli.output import on_the_way, print_json, print_table
from teastorm.cli.plain import tell

DEVIATED = 1


def theory(seeds: range, workers: int, as_json: bool) -> int:
    """Hold the engine to queueing theory; 1 when a figure lies outside its interval."""
    from teastorm.simulate.theory.check import check_all  # noqa: PLC0415 - keeps --help fast

    tell()
    cases = check_all(seeds, workers=workers, told=_tell_case)
    outside = [case for case in cases if not case.inside]
    if as_json:
        content = {"cases": [case.as_json() for case in cases], "outside": len(outside)}
        print_json("teastorm.theory/1", content)
    else:
        print_table(
            ("case", "value", "theory", "99 % interval", "inside"),
            [
                (c.name, f"{c.value:.5g}", f"{c.theory:.5g}", f"{c.low:.5g}..{c.high:.5g}",
                 "yes" if c.inside else "NO")
                for c in cases
            ],
        )  # fmt: skip
    return DEVIATED if outside else 0


def _tell_case(name: str) -> None:
    on_the_way(f"{name} …")


def live(run_dir: Path, seeds: range, workers: int, as_json: bool) -> int:
    """Put the simulation of a recorded run beside what was measured; 1 when a goal is missed."""
    from dataclasses import asdict  # noqa: PLC0415 - keeps --help fast

    from teastorm.simulate.live import compare  # noqa: PLC0415 - the same

    figures = compare(run_dir, seeds, workers=workers)
    tell()
    missed = [figure for figure in figures if not figure.within]
    if as_json:
        rows = [{**asdict(figure), "within": figure.within} for figure in figures]
        print_json("teastorm.check-live/1", {"run": run_dir.name, "figures": rows})
    else:
        print_table(
            ("figure", "predicted", "measured", "error", "goal"),
            [
                (f.name, _short(f.predicted), _short(f.measured), _percent(f.error),
                 "-" if f.limit is None else f"{f.limit:.0%} {'met' if f.within else 'MISSED'}")
                for f in figures
            ],
        )  # fmt: skip
    return DEVIATED if missed else 0


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"
