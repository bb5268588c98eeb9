"""A batch of known speed, what comes out of it, and callers who come at random."""

from collections.abc import Iterator
from random import Random

from teashop.resilience.batch import Batch
from teashop.resilience.sequence import BatchConfig, Sequence

TTFT_S, ITL_S, TOKENS, SLOWDOWN = 0.08, 0.008, 40, 1.25
WORK_S = TTFT_S + TOKENS * ITL_S


def batch_of(
    slots: int = 16, waiting: int = 256, *, priorities: bool = True, deadlines: bool = True
) -> Batch:
    config = BatchConfig(
        max_num_seqs=slots,
        max_waiting=waiting,
        ttft_s=TTFT_S,
        itl_s=ITL_S,
        slowdown=SLOWDOWN,
        priorities=priorities,
        deadlines=deadlines,
    )
    return Batch(config, now_s=0.0)


def drained(batch: Batch) -> list[Sequence]:
    """Let everything in the batch end, event by event."""
    for _ in range(100_000):
        due_s = batch.next_event_s()
        if due_s is None:
            return batch.take_ended()
        batch.advance(due_s)
    raise AssertionError("the batch never emptied")


def poisson(rng: Random, rate_rps: float, count: int) -> Iterator[float]:
    at_s = 0.0
    for _ in range(count):
        at_s += rng.expovariate(rate_rps)
        yield at_s
