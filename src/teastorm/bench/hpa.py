"""Decisions of the autoscaler's port a second, as `teastorm hpa replay` makes them: JSON in, JSON out.

CPU seconds of this one process. A decision is a line of the cases at one moment, a step of those
over time. Beside it stands what the JSON alone would take: each line read and each answer written
by orjson, which knows of no types and decides nothing. Starting the command is not in it.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import orjson

from teastorm.autoscale.replay import Answer, replay
from teastorm.bench import hpa_cases

ROUNDS = 5
DECISIONS = 4_000
_MANY = (86, 86)
_CASES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "one metric": (hpa_cases.one_metric, 60),
    "recommendations over time": (hpa_cases.recommendations, 20),
    "samples over time": (hpa_cases.samples, 20),
    "several metrics": (hpa_cases.several_metrics, 40),
    "one metric, 86 pods": (partial(hpa_cases.one_metric, pods=_MANY), 10),
}
"""How a family's lines are made, and how many different ones."""


def rows(rounds: int = ROUNDS, decisions: int = DECISIONS) -> list[tuple[str, str, str]]:
    """Lines for the benchmarks' table: what, decisions a second, beside the JSON alone.

    Args:
        decisions: at least so many are made of each kind in a round.
    """
    kinds = {name: [make(seed) for seed in range(n)] for name, (make, n) in _CASES.items()}
    answers = {name: [answer for _, answer in replay(lines)] for name, lines in kinds.items()}
    made = {name: sum(map(_decisions, found)) for name, found in answers.items()}
    deciding: dict[str, list[float]] = {name: [] for name in kinds}
    reading: dict[str, list[float]] = {name: [] for name in kinds}
    gc.disable()  # as the command does
    try:
        for _ in range(rounds):
            for name, lines in kinds.items():
                times = -(-decisions // made[name])
                took_s = _cpu_s(partial(_decide, lines), times)
                deciding[name].append(took_s / (times * made[name]))
                took_s = _cpu_s(partial(_json_alone, lines, answers[name]), times)
                reading[name].append(took_s / (times * made[name]))
    finally:
        gc.enable()
    found = []
    for name, lines in kinds.items():
        one_s, alone_s = statistics.median(deciding[name]), statistics.median(reading[name])
        size = sum(map(len, lines)) / made[name] / 1000
        beside = f"{one_s / alone_s:.1f}x its JSON alone, {size:.1f} kB of it"
        found.append((f"HPA replay, {name}", f"{1 / one_s:,.0f} decisions a CPU second", beside))
    return found


def _decide(lines: Sequence[bytes]) -> None:
    for _, answer in replay(lines):
        orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def _json_alone(lines: Sequence[bytes], answers: Sequence[Answer]) -> None:
    for line, answer in zip(lines, answers, strict=True):
        orjson.loads(line)
        orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def _decisions(answer: Answer) -> int:
    steps = answer.get("steps")
    return len(steps) if isinstance(steps, list) else 1


def _cpu_s(work: Callable[[], None], times: int) -> float:
    began_s = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - began_s


if __name__ == "__main__":
    for row in rows():
        sys.stdout.write(" | ".join(row) + "\n")
