"""`teastorm clean`: remove run folders that are older than a given age."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import click

from teastorm.cli.errors import CommandError
from teastorm.cli.output import json_option, print_json, say
from teastorm.platforms.local.cleanup import survey
from teastorm.platforms.local.state import StateFile
from teastorm.runner.folder import is_run_name

_UNITS_S = {"m": 60, "h": 3600, "d": 86400}
# A folder is a run only if the runner wrote one of these, or gave it its name and came no further:
# nothing else is ever removed.
RUN_MARKS = ("run.json", "result.json", "journal.json")


def age_s(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """`7d`, `12h` or `30m` in seconds, or click's usage error."""
    # Nine digits of days are older than the Earth; more would be no float.
    match = re.fullmatch(r"([0-9]{1,9})([mhd])", value)
    if match is None:
        raise click.BadParameter(
            f"must be a whole number and m, h or d, such as 7d, got {value[:40]!r}"
        )
    return float(int(match[1]) * _UNITS_S[match[2]])


@dataclass(frozen=True, kw_only=True)
class _Run:
    path: Path
    age_s: float
    size_bytes: int


@click.command()
@click.option("--keep", callback=age_s, default="7d", show_default=True, help="Keep younger runs.")
@click.option(
    "--runs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="The folder that holds runs.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@json_option
def clean(*, keep: float, folder: Path, dry_run: bool, as_json: bool) -> int:
    """Remove runs older than --keep. Never touches a folder that is no run, or a run under way."""
    runs = _runs(folder, time.time())
    busy = _under_way()
    old = [run for run in runs if run.age_s > keep and run.path.resolve() != busy]
    for run in old:
        if not dry_run:
            try:
                shutil.rmtree(run.path)
            except OSError as error:
                raise CommandError(3, f"{run.path}: cannot be removed: {error}") from error
    freed = sum(run.size_bytes for run in old)
    if as_json:
        content = {
            "removed": [str(run.path) for run in old],
            "kept": len(runs) - len(old),
            "freed_bytes": freed,
            "dry_run": dry_run,
        }
        print_json("teastorm.clean/1", content)
        return 0
    verb = "would remove" if dry_run else "removed"
    for run in old:
        say(f"{verb} {run.path}")
    say(f"{verb} {len(old)} runs ({freed / 1e6:.1f} MB), {len(runs) - len(old)} kept")
    return 0


def _runs(folder: Path, now_s: float) -> list[_Run]:
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        marks = [path / name for name in RUN_MARKS if (path / name).is_file()]
        if path.is_symlink() or not (marks or (path.is_dir() and is_run_name(path.name))):
            continue
        try:
            newest_s = max(mark.stat().st_mtime for mark in marks or [path])
            inside = [f for f in path.rglob("*") if f.is_file() and not f.is_symlink()]
            size = sum(f.stat().st_size for f in inside)
        except FileNotFoundError:  # somebody else removes it just now
            continue
        found.append(_Run(path=path, age_s=now_s - newest_s, size_bytes=size))
    return found


def _under_way() -> Path | None:
    look = survey(StateFile(), probe=False)
    if look.state is None or not look.runner_alive or look.state.run_dir is None:
        return None
    return Path(look.state.run_dir).resolve()
