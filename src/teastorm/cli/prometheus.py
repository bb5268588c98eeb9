"""The options that let a command into somebody's Prometheus."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from teastorm.cli.errors import USAGE, CommandError

if TYPE_CHECKING:
    from teastorm.tune.prometheus import Access

TOKEN_VARIABLE = "TEASTORM_PROMETHEUS_TOKEN"  # noqa: S105 - a variable's name


def access_of(token_file: Path | None, ca: Path | None, headers: Sequence[str]) -> Access:
    """How to be let in; CommandError for a token or a header that cannot be sent."""
    from teastorm.tune.prometheus import Access  # noqa: PLC0415 - keeps --help fast

    return Access(
        token=_token(token_file),
        ca=ca,
        headers=MappingProxyType(dict(_header(text) for text in headers)),
    )


def _token(path: Path | None) -> str | None:
    if path is None:
        where, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token:
            return None
    else:
        where = f"--prometheus-token-file: {path}"
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(USAGE, f"{where} cannot be read") from error
    # What is no token would be sent as none, or as half of one, and be told as a 401.
    if re.fullmatch(r"[!-~]+", token) is None:
        raise CommandError(USAGE, f"{where} holds no token; write one, on one line, in ASCII")
    return token


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch(r"[!#-'*+.^`|~\w-]+", name.strip(), re.ASCII) and value.strip()):
        raise CommandError(USAGE, f"--prometheus-header: {text!r} must be NAME: VALUE")
    if not (value.strip().isascii() and value.strip().isprintable()):
        raise CommandError(USAGE, f"--prometheus-header: {name.strip()} must be ASCII on one line")
    return name.strip(), value.strip()
