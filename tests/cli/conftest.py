"""The command line with a state folder of the test's own and a stand-in for the shop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.platforms.places import use_state_folder

from teastorm.cli.main import cli
from teastorm.platforms.local.cleanup import remove_run
from teastorm.platforms.local.state import StateFile


@pytest.fixture
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = use_state_folder(tmp_path / "state", monkeypatch)
    yield folder
    assert not remove_run(StateFile(folder))


class Teastorm:
    """Runs the command line in this process."""

    def __call__(self, *args: str) -> Result:
        return CliRunner().invoke(cli, list(args))


@pytest.fixture
def teastorm(state_directory: Path) -> Teastorm:
    return Teastorm()
