"""Many seeds of one scenario, in parallel; what is finished survives an interrupt."""

from __future__ import annotations

import copyreg
import hashlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from types import MappingProxyType

import orjson

from teastorm.simulate.arrivals import Progress, silent
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.result import Result
from teastorm.simulate.run import simulate
from teastorm.simulate.scenario import Scenario
from teastorm.spawning import deaf_to_interrupts, workers_started

type Run = dict[str, object]
"""A Result as plain objects."""


# Clients hold read-only mappings, which pickle does not know how to send to a worker.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


def _read_only(mapping: dict[str, float]) -> MappingProxyType[str, float]:
    return MappingProxyType(mapping)


def digest(scenario: Scenario) -> str:
    """A fingerprint of everything in a scenario; equal scenarios have equal ones."""
    return hashlib.sha256(repr(scenario).encode()).hexdigest()[:16]


def run_seeds(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    workers: int = 1,
    kept: Path | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
    progress: Progress = silent,
) -> list[Run]:
    """One result for each seed, in the order of `seeds` whatever the number of workers.

    Args:
        kept: a file to which each finished result is added at once; those that it holds of the same
            scenario are not simulated again.
        told: called with how many are done, of how many.
        progress: of each single run, while there is one worker.

    Raises:
        ScenarioInvalid: `kept` holds something else.
    """
    name = digest(scenario)
    found = {} if kept is None else _read(kept, name)
    left = [seed for seed in seeds if seed not in found]
    # An interrupt may have cut the last line short; the next one must not be added to it.
    whole = kept is None or not kept.exists() or kept.read_bytes()[-1:] in {b"", b"\n"}
    if kept is not None and left:
        _refuse_unwritable(kept)
    told(len(seeds) - len(left), len(seeds))
    for run in _runs(scenario, left, workers, progress):
        seed = int(str(run["seed"]))
        found[seed] = run
        if kept is not None:
            line = orjson.dumps({"scenario": name, "result": run}, option=orjson.OPT_APPEND_NEWLINE)
            try:
                with kept.open("ab") as lines:
                    lines.write(line if whole else b"\n" + line)
            except OSError as error:
                raise ScenarioInvalid(f"{kept}: cannot be written ({error.strerror}).") from error
            whole = True
        told(sum(s in found for s in seeds), len(seeds))
    return [found[seed] for seed in seeds]


def _refuse_unwritable(kept: Path) -> None:
    """Before the first seed is simulated, not after it; makes the file that it is about."""
    try:
        with kept.open("ab"):
            pass
    except OSError as error:
        raise ScenarioInvalid(f"{kept}: cannot be written ({error.strerror}).") from error


def _runs(
    scenario: Scenario, seeds: Sequence[int], workers: int, progress: Progress
) -> Iterator[Run]:
    if workers <= 1 or len(seeds) <= 1:
        for seed in seeds:
            yield _plain(simulate(scenario, seed, progress=progress))
        return
    with pool_of(min(workers, len(seeds))) as pool:
        yield from pool.imap_unordered(_one, [(scenario, seed) for seed in seeds])


@contextmanager
def pool_of(workers: int) -> Iterator[Pool]:
    """Worker processes that leave Ctrl-C to whoever started them; ended when the block is left."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        with workers_started():
            pool = context.Pool(workers, deaf_to_interrupts)
            stack.enter_context(pool)
        yield pool


def _one(job: tuple[Scenario, int]) -> Run:
    return _plain(simulate(*job))


def _plain(result: Result) -> Run:
    # Through JSON and back: a run that was kept and one that was not are the same objects.
    run: Run = orjson.loads(orjson.dumps(result.as_json()))
    return run


_BEGIN = b'{"scenario":'


def _read(path: Path, name: str) -> dict[int, Run]:
    try:
        lines: Iterable[bytes] = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ScenarioInvalid(f"{path}: cannot be read ({error.strerror}).") from error
    found: dict[int, Run] = {}
    for number, line in enumerate(lines, start=1):
        try:
            raw = orjson.loads(line)
            scenario, run = raw["scenario"], raw["result"]
            seed = int(run["seed"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            if line.startswith(_BEGIN) or _BEGIN.startswith(line):
                continue  # cut short by the interrupt that this file is for
            # Somebody's other file: nothing is added to it.
            raise ScenarioInvalid(
                f"{path}: line {number} is no kept seed; name a new file with --keep."
            ) from error
        if scenario != name:
            raise ScenarioInvalid(
                f"{path}: line {number} is of another scenario; name a new file with --keep."
            )
        found[seed] = run
    return found
