"""A file is the old one or the new one, and a write that failed leaves nothing."""

from __future__ import annotations

import errno
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teastorm.whole_file import why, write_whole

PART = 4096


def test_it_replaces_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, b"one")
    write_whole(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def no_room_for_more() -> None:
    """A disk that ends after `PART` bytes, for this process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PART, PART))


def test_a_disk_that_ends_in_the_middle_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, b"old")
    code = (
        "import sys; from pathlib import Path; from teastorm.whole_file import write_whole\n"
        "try: write_whole(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except OSError as error: sys.exit(error.errno)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], preexec_fn=no_room_for_more, check=False
    )

    assert done.returncode == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "none" / Path("a.json"), b"one")


def test_why_is_said_without_the_path(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.read_text(encoding="utf-8")

    assert why(caught.value) == "Is a directory"
    assert why(ValueError("of its own")) == "of its own"
