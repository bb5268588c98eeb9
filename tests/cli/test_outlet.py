"""Standard output that ends early: the reader leaves, the disk is full, the encoding is poor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEASTORM = [sys.executable, "-m", "teastorm.cli.main"]
FULL = Path("/dev/full")


def left_by_its_reader(*args: str) -> tuple[int, str]:
    """Exit code and standard error of a command whose standard output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen([*TEASTORM, *args], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=120)
    return process.returncode, errors.decode()


@pytest.mark.parametrize("args", [("list", "--json"), ("--help",), ("status",)])
def test_a_reader_that_left_changes_no_exit_code(args, state_directory):
    assert left_by_its_reader(*args) == (0, "")


def test_an_error_keeps_its_code_without_a_reader(tmp_path, state_directory):
    code, errors = left_by_its_reader("verify", str(tmp_path / "none"), "--json")

    assert code == 2
    assert errors.count("\n") == 1


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_a_full_disk_is_a_precondition_in_one_sentence(state_directory):
    with FULL.open("w") as full:
        done = subprocess.run(
            [*TEASTORM, "status"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 3
    assert done.stderr.startswith("teastorm: standard output cannot be written (No space left")
    assert done.stderr.count("\n") == 1


def test_no_standard_output_at_all_is_none_of_its_business(state_directory):
    command = " ".join(TEASTORM)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} status >&-"], stderr=subprocess.PIPE, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_what_an_encoding_cannot_say_is_escaped(tmp_path, state_directory):
    done = subprocess.run(
        [*TEASTORM, "verify", str(tmp_path / "奶茶"), "--json"],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2
    assert b"\\u5976" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("simulate", "--orders", "nan"),
        ("simulate", "--orders", "inf"),
        ("simulate", "--hours", "inf"),
        ("tune", "--demand", "x.csv", "--peak-rps", "nan"),
        ("tune", "--demand", "x.csv", "--startup-s", "nan"),
        ("tune", "--demand", "x.csv", "--time-factor", "nan"),
        ("run", "overload-3x", "--factor", "nan"),
        ("run", "overload-3x", "--duration", "inf"),
        ("load", "--rate", "nan"),
        ("load", "--rate", "5", "--seconds", "inf"),
        ("up", "--timeout", "nan"),
        ("up", "--timeout", "-5"),
        ("up", "--seed", "-1"),
    ],
)
def test_a_number_that_is_none_is_refused(args, teastorm):
    result = teastorm(*args)

    assert result.exit_code == 2
    assert args[-2] in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&-", ">&- 2>&- <&-"])
def test_an_exit_code_needs_no_stream(streams, tmp_path, state_directory):
    if "full" in streams and not FULL.exists():
        pytest.skip("only Linux has /dev/full")
    command = " ".join([*TEASTORM, "verify", str(tmp_path / "none")])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} {streams}"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_a_name_that_is_not_utf_8_is_told_in_json(state_directory):
    done = subprocess.run(
        [*map(os.fsencode, TEASTORM), b"verify", b"run-\xff", b"--json"],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2
    assert b'"exit_code":2' in done.stdout
    assert b"Traceback" not in done.stderr


def test_help_shows_no_bound_that_is_none(teastorm):
    for command in ("load", "run", "simulate", "tune", "up"):
        assert "None" not in teastorm(command, "--help").stdout
