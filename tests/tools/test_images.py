"""The Dockerfile as text, and what it does to a venv: no image is built here."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("teashop", "teastorm")
UNCHECKED = 0b01
"""The flags of byte code whose source is never looked at again (PEP 552)."""


def stages() -> dict[str, tuple[str, list[str]]]:
    """Each stage by name: what it begins from, and its instructions on one line each."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in (row for row in text.splitlines() if row and not row.startswith("#")):
        if begins := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            found[begins[2]] = (begins[1], [])
        elif found:
            found[list(found)[-1]][1].append(line)
    return found


def lineage(name: str) -> list[str]:
    """The instructions that make a stage, its ancestors' first."""
    base, own = stages()[name]
    return own if base.startswith("$") else [*lineage(base), *own]


def copied(name: str) -> list[str]:
    """The files of the repository that get into a stage."""
    words = [line.split()[1:-1] for line in lineage(name) if line.startswith("COPY ")]
    return [path for row in words if not row[0].startswith("--from") for path in row]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_under_an_init_process_as_nobody_in_particular(image):
    lines = lineage(image)
    assert "USER 10001:10001" in lines
    (entry,) = (line for line in lines if line.startswith("ENTRYPOINT"))
    assert entry.startswith('ENTRYPOINT ["/usr/bin/tini", "--", "python"')


@pytest.mark.parametrize("image", IMAGES)
def test_nothing_is_run_or_copied_into_an_image_but_what_was_built(image):
    lines = lineage(image)
    assert not any(line.startswith(("RUN", "ADD")) for line in lines)
    assert copied(image) == []
    built = {line.split()[1] for line in lines if line.startswith("COPY ")}
    assert built == {"--from=build", f"--from=build-{image}"}


def test_the_shops_image_has_no_testbed_in_it():
    assert copied("build-teashop") == [
        "deploy/image/settle",
        "requirements/shop.txt",
        "services/teashop",
    ]


def test_every_package_is_held_to_its_hash():
    for image in IMAGES:
        (installs,) = (line for line in lineage(f"build-{image}") if " install --quiet" in line)
        assert "--require-hashes" in installs
        assert "--only-binary :all:" in installs


def test_the_context_has_what_is_copied_and_nothing_else():
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    wanted = {path for image in IMAGES for path in copied(f"build-{image}")}
    assert all((ROOT / path).exists() for path in wanted)
    assert all(any(Path(path).is_relative_to(one) for one in kept) for path in wanted)
    assert all(any(Path(path).is_relative_to(one) for path in wanted) for one in kept)


def test_a_settled_venv_has_byte_code_and_no_tests(tmp_path):
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    for name in ("lib/code.py", "lib/code.pyi", "lib/tests/test_code.py", "pyarrow/include/a.h"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("")
    sources = tmp_path / "src" / "shop"
    sources.mkdir(parents=True)
    (sources / "app.py").write_text("print('open')\n")

    subprocess.run(
        ["sh", ROOT / "deploy" / "image" / "settle", tmp_path / "venv", tmp_path / "src"],
        check=True,
        timeout=60,
    )

    tag = sys.implementation.cache_tag
    left = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert left == {
        "lib/code.py",
        f"lib/__pycache__/code.{tag}.pyc",
        "shop/app.py",
        f"shop/__pycache__/app.{tag}.pyc",
    }
    code = (site / "shop" / "__pycache__" / f"app.{tag}.pyc").read_bytes()
    assert int.from_bytes(code[4:8], "little") == UNCHECKED
