"""Standard output that outlives its reader: `teastorm verify RUN | head -1` still ends as judged."""

import contextlib
import errno
import io
import os
import sys
from typing import override

from teastorm.cli.errors import PRECONDITION, CommandError


class Outlet(io.TextIOWrapper):
    """A text stream that goes on into nothing once nobody reads it, and says when a disk is full.

    What an encoding cannot say is escaped: a verdict is not lost for an ellipsis. Not thread-safe
    beyond what `io.TextIOWrapper` is.
    """

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
        if error.errno not in {errno.EPIPE, errno.ESHUTDOWN}:
            sentence = f"standard output cannot be written ({error.strerror})"
            raise CommandError(PRECONDITION, sentence) from error


def patient_stdout() -> None:
    """Put an `Outlet` in the place of sys.stdout; a process started without one gets one into nothing."""
    old = sys.stdout
    if old is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - kept open
    elif isinstance(old, io.TextIOWrapper):
        encoding, line_buffering = old.encoding, old.line_buffering
        sys.stdout = Outlet(
            old.detach(),
            encoding=encoding,
            errors="backslashreplace",
            line_buffering=line_buffering,
        )
