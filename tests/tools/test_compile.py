"""tools/compile: a copy that really is compiled, is used by itself, and gives the sources' bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from teastorm import compiled as copies

ROOT = Path(__file__).resolve().parents[2]
HOT = (
    "teashop.resilience.batch",
    "teashop.resilience.front",
    "teashop.resilience.priority",
    "teastorm.load.client",
    "teastorm.simulate.chat_path",
    "teastorm.simulate.crowd",
    "teastorm.simulate.loop",
)
SCENARIOS = {
    "protected": (),
    "unprotected": ("--arm", "unprotected"),
    "quotas": ("--set", "gateway.quota_rps=0.05", "--set", "gateway.quota_burst=2"),
}

SHOW = f"import teastorm.simulate, importlib as i\nfor n in {HOT!r}: print(i.import_module(n).__file__)"


def python(folder: Path | None, *words: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run Python where copies are looked for in `folder`, or not at all."""
    kept = {k: v for k, v in os.environ.items() if k != "TEASTORM_PLAIN"}
    where = {"TEASTORM_PLAIN": "1"} if folder is None else {"TEASTORM_COMPILED": str(folder)}
    return subprocess.run(
        (sys.executable, *words),
        cwd=ROOT,
        env={**kept, **where, **env},
        capture_output=True,
        check=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    if not any(map(shutil.which, ("cc", "gcc"))):
        message = "NOT TESTED: no C compiler is on PATH, and tools/compile needs one"
        if os.environ.get("TEASTORM_NO_SKIP") == "1":
            pytest.fail(message)
        pytest.skip(message)
    target = tmp_path_factory.mktemp("compiled")
    (target / "0123456789abcdef").mkdir()  # of sources that are no more
    subprocess.run(
        (ROOT / "tools" / "compile", target),
        env={**os.environ, "MYPYC_OPT_LEVEL": "0"},
        capture_output=True,
        check=True,
        timeout=1200,
    )
    return target


@pytest.mark.slow  # mypyc and a C compiler take most of a minute
class TestMade:
    def test_there_is_one_copy_named_for_the_sources(self, made):
        assert [entry.name for entry in made.iterdir()] == [copies.key()]

    def test_the_hot_modules_are_compiled_and_the_sources_are_not(self, made):
        files = python(made, "-c", SHOW).stdout.decode().split()
        assert len(files) == len(HOT)
        assert all(file.startswith(str(made)) and file.endswith(".so") for file in files)
        plain = python(None, "-c", SHOW).stdout.decode().split()
        assert all(file.endswith(".py") for file in plain)

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_compiled_and_plain_give_the_same_bytes(self, made, name):
        words = ("-m", "teastorm.cli.main", "simulate", "--orders", "900", "--seed", "5", "--json")
        seeds = ("--seeds", "2", "--workers", "2") if name == "protected" else ()
        ran = python(made, *words, *SCENARIOS[name], *seeds)
        assert b"simulator: compiled" in ran.stderr
        plain = python(made, *words, *SCENARIOS[name], *seeds[:2], "--plain")
        assert b"simulator: plain Python, as asked" in plain.stderr
        assert ran.stdout == plain.stdout
        assert b'"teastorm.simulation/1"' in ran.stdout

    def test_a_changed_source_is_not_answered_by_the_old_copy(self, made, tmp_path):
        """Sabotage: the same copy, a comment more in one policy."""
        for package in ("services/teashop", "src/teastorm"):
            shutil.copytree(ROOT / package, tmp_path / Path(package).name)
        changed = tmp_path / "teashop/resilience/batch.py"
        here = {"PYTHONPATH": str(tmp_path)}
        assert b".so" in python(made, "-c", SHOW, **here).stdout
        changed.write_text(changed.read_text() + "# changed\n")
        files = python(made, "-c", SHOW, **here).stdout.decode().split()
        assert all(file.startswith(str(tmp_path)) and file.endswith(".py") for file in files)
        told = python(made, "-c", "from teastorm import compiled as c; print(c.use())", **here)
        assert b"of other sources" in told.stdout

    @pytest.mark.parametrize("harm", ["cut short", "gone", "of another machine"])
    def test_a_damaged_copy_is_passed_over_in_words(self, made, tmp_path, harm):
        """Sabotage: the same day, told by the sources; a process that loads half a library dies."""
        copy = tmp_path / copies.key()
        shutil.copytree(made / copy.name, copy)
        (library,) = copy.glob("*__mypyc*.so")
        if harm == "gone":
            next(copy.rglob("batch*.so")).unlink()
        else:
            size = library.stat().st_size if harm == "of another machine" else 1000
            library.write_bytes(b"no library".ljust(size, b"\0"))
        words = ("-m", "teastorm.cli.main", "simulate", "--orders", "300", "--json")
        ran = python(tmp_path, *words)
        said = "cannot be loaded" if harm == "of another machine" else "is damaged (make compile"
        assert f"plain Python; the compiled copy {copy.name} {said}" in ran.stderr.decode()
        assert ran.stdout == python(None, *words).stdout

    def test_what_is_there_is_not_made_again(self, made):
        before = [file.stat().st_mtime_ns for file in sorted(made.rglob("*.so"))]
        again = subprocess.run(
            (ROOT / "tools" / "compile", made), capture_output=True, check=True, timeout=60
        )
        assert b"is there already" in again.stdout
        assert [file.stat().st_mtime_ns for file in sorted(made.rglob("*.so"))] == before


def test_without_a_compiler_it_says_so_in_a_sentence(tmp_path):
    for name in ("sh", "dirname", "pwd"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        (ROOT / "tools" / "compile", tmp_path / "made"),
        env={"PATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3
    assert b"no C compiler is on PATH; install gcc" in done.stderr
    assert not (tmp_path / "made").exists()


def test_without_a_copy_the_sources_run(tmp_path):
    told = python(tmp_path, "-c", f"{SHOW}\nfrom teastorm import compiled as c; print(c.use())")
    *files, words = told.stdout.decode().splitlines()
    assert all(file.endswith(".py") for file in files)
    assert words == "plain Python (make compile makes it about three times as fast)"


def test_what_was_imported_before_is_not_mixed_with_a_copy(tmp_path):
    """Half of the modules compiled and half not would not know each other's layout."""
    copy = tmp_path / copies.key()
    copy.mkdir()
    (copy / copies.SEAL).write_text("")
    early = "import teashop.resilience.rate; from teastorm import compiled as c; print(c.use())"
    told = python(tmp_path, "-c", early).stdout
    assert b"plain Python; teashop.resilience.rate was imported before" in told


def test_the_key_covers_all_that_the_modules_import_of_ours():
    """A module outside of the hashed packages could change under a copy that stays."""
    inside = ("teashop.resilience", "teastorm.load", "teastorm.simulate")
    show = (
        "import sys, teastorm.simulate.run\n"
        "from teastorm import compiled as c\n"
        "import ast, pathlib\n"
        "for name in c.MODULES:\n"
        "    tree = ast.parse(pathlib.Path(sys.modules[name].__file__).read_text())\n"
        "    for node in ast.walk(tree):\n"
        "        if isinstance(node, ast.ImportFrom) and node.module.startswith('tea'):\n"
        "            print(node.module)\n"
    )
    found = set(python(None, "-c", show).stdout.decode().split())
    assert found
    assert all(name.startswith(inside) for name in found)
