"""A sealed run folder that was changed afterwards is refused, and never held."""

from __future__ import annotations

import shutil

import orjson
import pytest
from click.testing import CliRunner

from teastorm.cli.main import cli
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.judge import judge
from teastorm.verdict.seal import FILE, SEALED, write_seal


@pytest.fixture
def sealed(protected, tmp_path):
    protected.run["sealed"] = True
    run_dir = protected.write(tmp_path / "run")
    write_seal(run_dir)
    return run_dir


def test_a_folder_as_it_was_sealed_is_judged(sealed):
    assert judge(sealed).exit_code == 0


@pytest.mark.parametrize("name", SEALED)
def test_a_file_that_was_changed_is_named(name, sealed):
    content = (sealed / name).read_bytes()
    (sealed / name).write_bytes(content + b" ")

    with pytest.raises(RunFolderError, match=rf"{name}") as caught:
        judge(sealed)

    assert "not the file that the run wrote" in str(caught.value)


@pytest.mark.parametrize("name", ["requests.parquet", "metrics.parquet", "ledger.json"])
def test_a_file_of_another_run_with_the_same_seed_is_found_out(name, sealed, protected, tmp_path):
    other = protected.copy()
    other.load["cpu_share"] = 0.41
    other.metrics = [(row[0] + 1e-6, *row[1:]) for row in other.metrics]
    other.requests[0]["lag_s"] = other.requests[0]["lag_s"] + 1e-9
    other.ledger["outbox"]["delivered"] += 1
    shutil.copy(other.write(tmp_path / "other") / name, sealed / name)

    with pytest.raises(RunFolderError, match=name):
        judge(sealed)


def test_the_seal_cannot_just_be_taken_away(sealed):
    (sealed / FILE).unlink()

    with pytest.raises(RunFolderError, match=r"seal\.json is missing"):
        judge(sealed)


def test_a_sealed_file_that_is_gone_is_named(sealed):
    (sealed / "events.json").unlink()

    with pytest.raises(RunFolderError, match=r"events\.json is missing"):
        judge(sealed)


def test_what_came_after_the_seal_is_refused(protected, tmp_path):
    protected.run["sealed"] = True
    run_dir = protected.write(tmp_path / "run")
    (run_dir / "journal.json").unlink()
    write_seal(run_dir)
    (run_dir / "journal.json").write_bytes(orjson.dumps(protected.journal))

    with pytest.raises(RunFolderError, match=r"journal\.json came after"):
        judge(run_dir)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema": "teastorm.seal/9"}'])
def test_a_seal_that_is_none_is_refused(content, sealed):
    (sealed / FILE).write_bytes(content)

    with pytest.raises(RunFolderError, match=r"seal\.json"):
        judge(sealed)


def test_verify_says_when_the_result_had_another_verdict(sealed):
    (sealed / "result.json").write_bytes(b'{"verdict": "deviated"}')

    told = CliRunner().invoke(cli, ["verify", str(sealed)])

    assert told.exit_code == 0
    assert "result.json said deviated; its records say held" in told.stderr
    assert orjson.loads((sealed / "result.json").read_bytes())["verdict"] == "held"


def test_a_run_from_before_there_were_seals_is_judged(protected, tmp_path):
    assert protected.judge(tmp_path / "run").exit_code == 0


def test_a_broken_seal_is_explained_by_no_early_end(protected, tmp_path):
    folder = protected.write(tmp_path / "run")
    write_seal(folder)
    journal = folder / "journal.json"
    journal.write_text(journal.read_text().replace("completed", "interrupted"))

    with pytest.raises(RunFolderError, match=r"journal\.json is not the file that the run wrote"):
        judge(folder)
