"""Standard streams that outlive their reader: `teastorm verify RUN | head -1` ends as judged.

An exit code is a verdict: neither a missing nor a full standard stream may turn it into Python's 1.
"""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO, override

from teastorm.cli.errors import PRECONDITION, CommandError


class Outlet(io.TextIOWrapper):
    """A text stream that goes on into nothing once nobody reads it, and says when a disk is full.

    What an encoding cannot say is escaped: a verdict is not lost for an ellipsis. Not thread-safe
    beyond what `io.TextIOWrapper` is.
    """

    matters: bool = True
    """Whether a write that fails ends the command; what stands on standard error was only said."""

    @override
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    @override
    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Nobody reads: go on into nothing. No room: say so, once."""
        # Whatever is buffered would be written again at exit, and fail there with a traceback.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        with contextlib.suppress(OSError):
            super().flush()
        if self.matters and error.errno not in {errno.EPIPE, errno.ESHUTDOWN}:
            sentence = f"standard output cannot be written ({error.strerror})"
            raise CommandError(PRECONDITION, sentence) from error


def patient_streams() -> None:
    """Put an `Outlet` in the place of sys.stdout and of sys.stderr; a missing one leads nowhere."""
    sys.stdout = _patient(sys.stdout, matters=True)
    sys.stderr = _patient(sys.stderr, matters=False)


def _patient(old: TextIO | None, *, matters: bool) -> TextIO:
    if old is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - kept open
    if not isinstance(old, io.TextIOWrapper):
        return old
    encoding, line_buffering = old.encoding, old.line_buffering
    outlet = Outlet(
        old.detach(), encoding=encoding, errors="backslashreplace", line_buffering=line_buffering
    )
    outlet.matters = matters
    return outlet
