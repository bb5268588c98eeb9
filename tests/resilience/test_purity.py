"""The policies are pure: the standard library only, and of it nothing that ticks or does I/O."""

import ast
import sys
from pathlib import Path

import pytest

import teashop.resilience

FORBIDDEN = {"asyncio", "time", "datetime", "socket", "threading", "os", "subprocess", "io"}
MODULES = sorted(Path(next(iter(teashop.resilience.__path__))).glob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_the_standard_library_and_its_neighbours_only(path: Path) -> None:
    for name in imported(path):
        root = name.split(".")[0]
        if root == "teashop":
            assert name.startswith("teashop.resilience")
        else:
            assert root in sys.stdlib_module_names
            assert root not in FORBIDDEN


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_level_randomness(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id != "random" or node.attr == "Random"
