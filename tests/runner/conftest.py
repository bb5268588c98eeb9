"""A copy of a real experiment to break, and the objectives beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

type Edit = Callable[[dict], None]
type Broken = Callable[[Edit], Path]


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """Write overload-3x with an edit to its document; returns the file."""

    def write(edit: Edit, name: str = "overload-3x") -> Path:
        shutil.copy(EXPERIMENTS / "slo.yaml", tmp_path / "slo.yaml")
        document = yaml.safe_load((EXPERIMENTS / f"{name}.yaml").read_text())
        edit(document)
        path = tmp_path / "broken.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return write
