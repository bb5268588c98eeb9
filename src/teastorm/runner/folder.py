"""The run folder: its name, and JSON files that are whole or not there."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from teastorm.platforms.base import JsonValue
from teastorm.runner.problems import PRECONDITION, RunProblem
from teastorm.whole_file import write_whole

RUNS_DIR = Path("runs")
_NAME = re.compile(r"\d{8}T\d{6}Z-.+-(?:protected|unprotected)-\d+(?:-\d+)?")


def is_run_name(name: str) -> bool:
    """Whether `RunFolder.create` could have given a folder this name."""
    return _NAME.fullmatch(name) is not None


class RunFolder:
    """A folder for one run. Files are replaced atomically. One writer."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs_dir: Path, experiment: str, arm: str, seed: int) -> "RunFolder":
        """`<utc>-<experiment>-<arm>-<seed>`, with a number behind it when that is taken."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        base = runs_dir / f"{stamp}-{experiment}-{arm}-{seed}"
        for suffix in ("", *(f"-{number}" for number in range(2, 100))):
            path = base.with_name(base.name + suffix)
            try:
                path.mkdir(parents=True)
            except OSError as error:
                if isinstance(error, FileExistsError) and path.is_dir():
                    continue
                raise RunProblem(
                    PRECONDITION,
                    f"{runs_dir}: cannot make a run folder there ({error.strerror}); "
                    "choose another with --runs-dir",
                ) from error
            return cls(path)
        raise RunProblem(PRECONDITION, f"{base}: too many runs within one second")

    def write(self, name: str, content: Mapping[str, object] | Sequence[object]) -> Path:
        """Write a JSON file; numbers that JSON lacks become null."""
        path = self.path / name
        option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
        write_whole(path, orjson.dumps(content, default=_as_json, option=option))
        return path

    def read(self, name: str) -> JsonValue:
        """What a JSON file says; None when it is not there or no JSON."""
        try:
            content: JsonValue = orjson.loads((self.path / name).read_bytes())
        except (OSError, ValueError):
            return None
        return content


def _as_json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
