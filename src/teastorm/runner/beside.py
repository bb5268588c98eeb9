"""The files that an experiment names, which lie beside it: its demand curve and its objectives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teastorm.runner.problems import usage

if TYPE_CHECKING:
    from teastorm.verdict.slo import Slo


def beside(path: Path, name: str) -> Path:
    """A file named in an experiment, relative to the experiment."""
    return path.parent / name


def refuse_a_bad_curve(path: Path, curve: str | None) -> None:
    """Raise RunProblem (2) when the demand curve that an experiment names cannot be read."""
    from teastorm.load.curve import read_curve  # noqa: PLC0415 - keeps `--help` fast
    from teastorm.load.errors import PlanInvalid  # noqa: PLC0415 - the same

    if curve is None:
        return
    where = f"{path}: method: begin_load's curve"
    if not beside(path, curve).is_file():
        raise usage(
            f"{where}: {beside(path, curve)} does not exist; name one beside the experiment"
        )
    try:
        read_curve(beside(path, curve))
    except PlanInvalid as error:
        raise usage(f"{where}: {error}") from error


def objectives(slo_path: Path, overrides: object, where: str) -> Slo:
    """The objectives of a file with an experiment's own on top; RunProblem (2) otherwise.

    `where` is the place of the extension that names them.
    """
    from teastorm.verdict.errors import RunFolderError  # noqa: PLC0415 - keeps `--help` fast
    from teastorm.verdict.slo import load_slo  # noqa: PLC0415 - the same

    if not slo_path.is_file():
        raise usage(f"{where}.slo: {slo_path} does not exist; name the objectives' file")
    try:
        slo = load_slo(slo_path)
        return slo.with_overrides(overrides, f"{where}.overrides") if overrides else slo
    except RunFolderError as error:
        raise usage(str(error)) from error
