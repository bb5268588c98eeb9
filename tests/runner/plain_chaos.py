"""Chaos Toolkit's own command line, on a shop in memory whose load does not start. For tests only."""

import os
from pathlib import Path

from chaostoolkit.cli import cli

from teastorm.chaos import host, offer
from teastorm.load.capacity import Capacity
from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.memory import InMemoryPlatform
from teastorm.runner import opening
from teastorm.runner.capacity import Measured

FOLDER = Path(os.environ["PLAIN_CHAOS_FOLDER"])
K = Capacity(rps=60.0, good_share=0.99, theory_rps=64.0, steps=())


def no_load(**_: object) -> None:
    raise LoadDidNotStart("the load generator did not start: no cores")


def kept(_experiment: object, platform: InMemoryPlatform, *_: object, **__: object) -> Measured:
    return Measured(capacity=K, platform=platform)


def main() -> None:
    usual = host.Options
    opening.capacity_of = kept
    offer.start_load = no_load
    host.Options = lambda **given: usual(
        **given,
        runs_dir=FOLDER / "runs",
        platform=lambda _: InMemoryPlatform(FOLDER, ready_after_s=0.1),
    )
    cli()


if __name__ == "__main__":
    main()
