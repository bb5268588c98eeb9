"""Every way a command ends badly, as one sentence and one exit code. No traceback meets a user."""

import datetime as dt
import errno
import sys
import traceback
from typing import NoReturn

import click
import orjson

from teastorm.platforms.base import PlatformError
from teastorm.platforms.local.state import state_dir
from teastorm.printable import printable

USAGE = 2
PRECONDITION = 3
INCONCLUSIVE = 4
STILL_FAULTY = 5
INTERNAL = 70
INTERRUPTED = 130

# What is wrong with the machine, not with the testbed, and what to do about it.
_OF_THE_MACHINE = {
    errno.ENOSPC: "make room and run it again",
    errno.EFBIG: "make room and run it again",
    errno.EDQUOT: "make room and run it again",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "name what you may read and write, or change its permissions",
    errno.EPERM: "name what you may read and write, or change its permissions",
    errno.ENOTDIR: "name a folder where one is wanted",
    errno.EISDIR: "name a file where one is wanted",
    errno.ELOOP: "name what the symbolic links were to lead to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EIO: "look after the disk",
    errno.EMFILE: "raise `ulimit -n` and run it again",
    errno.ENFILE: "close what else runs and run it again",
}


class CommandError(Exception):
    """A command's own refusal: one sentence naming what, where and the fix; see DESIGN's exits."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.sentence = sentence


class TerminatedError(BaseException):
    """SIGTERM, raised in the main thread so that everything is rolled back as on Ctrl-C."""


def raise_terminated(_signal: int, _frame: object) -> NoReturn:
    """A signal handler for SIGTERM."""
    raise TerminatedError


def exit_code_of(error: BaseException, *, as_json: bool) -> int:
    """Tell the user what happened (stderr; with --json an object on stdout too), give the code."""
    code, sentence = _explain(error)
    if as_json:
        # A file's name need not be UTF-8, JSON has to be.
        said = sentence.encode(errors="backslashreplace").decode()
        content = {"schema": "teastorm.error/1", "exit_code": code, "error": said}
        sys.stdout.write(orjson.dumps(content).decode() + "\n")
        sys.stdout.flush()
    if sentence:
        sys.stderr.write(f"teastorm: {printable(sentence)}\n")
    return code


def _explain(error: BaseException) -> tuple[int, str]:
    if isinstance(error, CommandError | PlatformError):
        return error.exit_code, error.sentence
    if isinstance(error, click.UsageError):
        where = "" if error.ctx is None else f" (see {error.ctx.command_path} --help)"
        return USAGE, error.format_message().rstrip(".") + where
    if isinstance(error, click.ClickException):
        return USAGE, error.format_message()
    if isinstance(error, KeyboardInterrupt | click.Abort | TerminatedError):
        return INTERRUPTED, "interrupted"
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        return PRECONDITION, f"{where}{error.strerror}; {_OF_THE_MACHINE[error.errno]}"
    return INTERNAL, f"internal error: {type(error).__name__}: {error}{_logged(error)}"


def _logged(error: BaseException) -> str:
    """Write the traceback where a bug report can find it."""
    now = dt.datetime.now(tz=dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    text = "".join(traceback.format_exception(error))
    try:
        path = state_dir() / "errors" / f"{now}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{sys.argv}\n{text}", encoding="utf-8", errors="backslashreplace")
    except (OSError, PlatformError):
        return ""
    return f" (details: {path})"
