"""What the image of the cluster's jobs is made of suffices to run them: no cluster, no build."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
STAGE = "FROM build AS build-teastorm\n"
PLACE = "/build/src/"

IMPORT = """
import sys
sys.path[:0] = [{tree!r}, {site!r}]
import locust
import teastorm.observe.recorder
try:
    import teastorm.load.locustfile
except SystemExit as unasked:  # no specification; it has imported everything when it says so
    assert "TEASTORM_LOAD_SPEC" in str(unasked), unasked
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def lines() -> str:
    """Those of the stage that the testbed's image is built in."""
    _, _, stage = DOCKERFILE.read_text(encoding="utf-8").partition(STAGE)
    return stage.partition("\nFROM ")[0].replace("\\\n", " ")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as the image gets them, by its own COPY lines."""
    folder = tmp_path_factory.mktemp("image")
    for words in map(shlex.split, re.findall(r"^COPY (?!--)(.*)$", lines(), re.MULTILINE)):
        *sources, target = words
        if not target.startswith(PLACE):
            continue
        place = folder / target.removeprefix(PLACE)
        for source in map(ROOT.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    return folder


@pytest.fixture(scope="module")
def imported(tree: Path) -> set[str]:
    """Top-level modules that a generator and a recorder load from that tree alone."""
    script = IMPORT.format(tree=str(tree), site=sysconfig.get_path("purelib"))
    # -S: the checkout itself, installed in place, is not on the path.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tree,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def closure(names: list[str]) -> set[str]:
    """These distributions and all that they require here, normalised."""
    found: set[str] = set()
    todo = [(name, frozenset[str]()) for name in names]
    while todo:
        name, extras = todo.pop()
        name = name.lower().replace("_", "-").replace(".", "-")
        if name in found:
            continue
        found.add(name)
        for text in requires(name) or ():
            wanted = Requirement(text)
            marker = wanted.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras or {""}):
                todo.append((wanted.name, frozenset(wanted.extras)))
    return found


def test_the_sources_it_copies_suffice(imported: set[str]) -> None:
    assert {"teastorm", "teashop", "locust", "gevent"} <= imported


def test_the_packages_it_installs_suffice(imported: set[str]) -> None:
    (install,) = re.findall(r"--constraint /build/dev\.txt\s+([^&\n]+)", lines())
    there = closure(install.split())
    assert "gevent" in there
    owners = packages_distributions()
    needed = {
        owner.lower().replace("_", "-").replace(".", "-")
        for module in imported - {"teastorm", "teashop"}
        for owner in owners.get(module, ())
    }
    assert needed - {"teastorm"} <= there, needed - there
