"""Damaged run folders: one sentence, never a traceback, a wait without an end, or a verdict of held."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import EXAMPLES
from tests.verdict.damage import (
    IN_PLACE,
    ODD,
    ODD_CELLS,
    a_folder,
    a_pipe,
    an_endless_device,
    copied,
    places,
    what_cannot_be_read,
)
from tests.verdict.world import END, World

from teastorm.cli.main import cli
from teastorm.report.html import report
from teastorm.verdict import columns, files
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run
from teastorm.verdict.judge import judge
from teastorm.verdict.seal import FILE, SEALED, write_seal

TABLES = ("requests.parquet", "metrics.parquet")
EACH = 3
FEW = settings(max_examples=max(8, EXAMPLES // 5))


@pytest.fixture(scope="module")
def small(_protected: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few requests of each class and phase: soon read, and never held."""
    world, seen, kept = _protected.copy(), Counter(), set()
    for row in world.requests:
        kind = (row["class"], row["phase"])
        if seen[kind] < EACH and row["intended_s"] < END + 8:
            seen[kind] += row["final"]
            kept.add(row["request_id"])
    world.requests = [row for row in world.requests if row["request_id"] in kept]
    world.metrics = world.metrics[::23]
    booked = {row["order_id"] for row in world.requests}
    for name in ("orders", "assignments"):
        world.ledger[name] = [row for row in world.ledger[name] if row["order_id"] in booked]
    world.plan["phases"][2]["end_s"] = END + 8
    return world.write(tmp_path_factory.mktemp("small") / "run")


def refusal(folder: Path) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(RunFolderError) as caught:
        judge(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert text.count(str(folder)) == 1
    return text


@pytest.mark.parametrize("put", IN_PLACE, ids=lambda put: put.__name__)
def test_something_else_in_the_place_of_a_file_is_named(put: Callable[[Path], None], small: Path):
    for name in (*SEALED, FILE):
        with copied(small) as folder:
            (folder / name).unlink(missing_ok=True)
            put(folder / name)
            if not (folder / name).exists() and name in {"journal.json", FILE}:
                assert judge(folder).exit_code != 0  # as if there were none
            else:
                assert name in refusal(folder)


@pytest.mark.parametrize("put", [a_pipe, a_folder, an_endless_device, what_cannot_be_read])
def test_what_is_no_evidence_holds_nobody_up(put: Callable[[Path], None], small: Path):
    with copied(small) as folder:
        for name in ("result.json", "autoscaling.json"):
            put(folder / name)
        done = CliRunner().invoke(cli, ["verify", str(folder)])
    # A folder cannot be written over; everything else is.
    assert done.exit_code == (2 if put is a_folder else 1)
    assert len(done.stderr.strip().splitlines()) == (put is a_folder)


@FEW
@given(st.data())
def test_a_sealed_folder_with_one_other_byte_is_refused(small: Path, data: st.DataObject):
    with copied(small) as folder:
        write_seal(folder)
        name = data.draw(st.sampled_from(SEALED))
        content = bytearray((folder / name).read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] ^= data.draw(st.integers(1, 255))
        else:
            del content[at:]
        (folder / name).write_bytes(content)
        refusal(folder)


@FEW
@given(st.data())
def test_any_value_may_be_anything(small: Path, data: st.DataObject):
    with copied(small) as folder:
        name = data.draw(st.sampled_from([name for name in SEALED if name not in TABLES]))
        content = orjson.loads((folder / name).read_bytes())
        *way, last = data.draw(st.sampled_from(places(content)))
        target = content
        for key in way:
            target = target[key]
        target[last] = data.draw(st.sampled_from(ODD))
        (folder / name).write_text(json.dumps(content))
        judged_or_refused(folder)


@FEW
@given(st.data())
def test_any_column_may_hold_anything(small: Path, data: st.DataObject):
    with copied(small) as folder:
        path = folder / data.draw(st.sampled_from(TABLES))
        table = pq.read_table(path)
        column = data.draw(st.sampled_from(table.column_names))
        value = data.draw(st.sampled_from(ODD_CELLS))
        place = table.column_names.index(column)
        table = table.set_column(place, column, pa.array([value] * len(table)))
        pq.write_table(table, path)
        judged_or_refused(folder)


def judged_or_refused(folder: Path) -> None:
    try:
        result = judge(folder)
    except RunFolderError:
        refusal(folder)
        return
    assert result.exit_code != 0
    assert report(result, read_run(folder))


def test_a_file_that_says_too_much_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "MOST_ROWS", 20)
    assert "a run writes 20 at most" in refusal(small)
    monkeypatch.setattr(columns, "MOST_ROWS", 20_000)
    monkeypatch.setattr(columns, "LONGEST_TEXT", 3)
    assert "column request_id has a text of 7 bytes" in refusal(small)
    monkeypatch.setattr(files, "LARGEST_BYTES", 20)
    assert "run.json has" in refusal(small)


def test_what_a_folder_says_commands_no_terminal(small: Path):
    with copied(small) as folder:
        run = orjson.loads((folder / "run.json").read_bytes())
        run |= {"experiment": "red\x1b[31m\r", "seed": "\x1b]0;title\x07\nseven"}
        (folder / "run.json").write_bytes(orjson.dumps(run))
        refused = CliRunner().invoke(cli, ["verify", str(folder)])
        (folder / "run.json").write_bytes(orjson.dumps(run | {"seed": 7}))
        judged = CliRunner().invoke(cli, ["verify", str(folder)])
        told = CliRunner().invoke(cli, ["report", str(folder), "--markdown"])
    assert len(refused.stderr.splitlines()) == 1
    assert "red\\x1b[31m\\r (protected, seed 7)" in judged.stdout
    # In Markdown a backslash is written as two.
    assert "red\\\\x1b[31m (protected, seed 7)" in told.stdout
    for text in (refused.stderr, judged.stdout, judged.stderr, told.stdout, told.stderr):
        assert text.replace("\n", "").isprintable()
