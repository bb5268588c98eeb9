"""Prometheus' text format, read fast: one dictionary look-up a line once a series is known.

`prometheus_client.parser` parses every label of every line at every scrape. A series is parsed
once here; afterwards the bytes before its value identify it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

SKIPPED: Final = re.compile(r"^(python_|promhttp_)|_created$")
"""Metrics nobody asks for: the interpreter's, and creation times."""

_SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?$", re.DOTALL)
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def parse_series(text: str) -> tuple[str, dict[str, str]]:
    """`name{a="b"}` as the name and its labels; `ValueError` when it is neither."""
    match = _SERIES.match(text.strip())
    if match is None:
        raise ValueError(f"not a series: {text!r}")
    labels: dict[str, str] = {}
    body = match[2] or ""
    place = 0
    while place < len(body):
        label = _LABEL.match(body, place)
        if label is None:
            raise ValueError(f"not a label set: {body!r}")
        labels[label[1]] = re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), label[2])
        place = label.end()
    return match[1], labels


def canonical(labels: dict[str, str]) -> str:
    """`k=v,k=v`, sorted: the labels column of metrics.parquet. Backslash escapes `,` and `=`."""
    return ",".join(
        f"{key}={re.sub(r'([\\,=])', r'\\\1', value)}" for key, value in sorted(labels.items())
    )


def parse_canonical(text: str) -> dict[str, str]:
    """The labels that `canonical` wrote."""
    labels: dict[str, str] = {}
    for part in re.findall(r"(?:[^,\\]|\\.)+", text):
        key, _, value = part.partition("=")
        labels[key] = re.sub(r"\\(.)", r"\1", value)
    return labels


class SeriesTable:
    """Numbers the series of one page; `number_of` is asked once for each new series.

    Not safe for concurrent use: one table a target.
    """

    def __init__(self, number_of: Callable[[str, dict[str, str]], int]) -> None:
        self._number_of = number_of
        self._known: dict[bytes, int | None] = {}

    def samples(self, page: bytes) -> Iterator[tuple[int, float]]:
        """`(series number, value)` of each sample; comments and malformed lines are passed over."""
        known = self._known
        for line in page.split(b"\n"):
            if not line or line[0] == 35:  # '#'
                continue
            series, _, value = line.rstrip().rpartition(b" ")
            if series not in known:
                known[series] = self._learn(series)
            number = known[series]
            if number is None:
                continue
            try:
                yield number, float(value)
            except ValueError:
                continue

    def _learn(self, series: bytes) -> int | None:
        try:
            name, labels = parse_series(series.decode())
        except ValueError:
            return None
        return None if SKIPPED.search(name) else self._number_of(name, labels)
