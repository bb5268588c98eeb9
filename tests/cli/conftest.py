"""The command line with a state folder of the test's own and a stand-in for the shop."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from teastorm.cli.main import cli
from teastorm.platforms.local.cleanup import remove_run
from teastorm.platforms.local.state import StateFile

STANDIN = Path(__file__).parents[1] / "platforms" / "standin.py"


@pytest.fixture
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "state"
    monkeypatch.setenv("TEASTORM_STATE_DIR", str(folder))
    monkeypatch.setenv("TEASTORM_SHOP_ENTRY", shlex.join([sys.executable, str(STANDIN)]))
    yield folder
    assert not remove_run(StateFile(folder))


class Teastorm:
    """Runs the command line in this process."""

    def __call__(self, *args: str) -> Result:
        return CliRunner().invoke(cli, list(args))


@pytest.fixture
def teastorm(state_directory: Path) -> Teastorm:
    return Teastorm()
