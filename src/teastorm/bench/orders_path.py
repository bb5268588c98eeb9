"""The orders path's own capacity, of which what experiments offer it has to be a small part.

Checkouts come at growing rates, each followed by its payment and its questions, to gateways, orders
and dispatch as an experiment has them (two each, nothing that refuses); no chat comes beside them.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.records import read_requests
from teastorm.load.settings import Clients, Mix
from teastorm.load.start import start_load
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.plan import ShopPlan
from teastorm.runner.catalogue import catalogue
from teastorm.runner.experiment import read
from teastorm.runner.shop import capacity_protections

RATES_RPS = (20, 40, 60, 80, 100, 120, 140, 160)
SECONDS = 4.0
GOOD_SHARE = 0.98
CRITICAL = ("checkout", "payment", "status")
MOST_OF_IT = 0.3
"""Above it the orders path, and no longer the AI, could be what an experiment wears out."""


def rows(rates_rps: tuple[int, ...] = RATES_RPS) -> list[tuple[str, str, str]]:
    """One line: the highest rate that was served well, and the share of it that is offered."""
    best = 0
    with tempfile.TemporaryDirectory(prefix="teastorm-bench-") as name:
        folder = Path(name)
        platform = LocalPlatform(state_directory=folder / "state")
        try:
            services = ("gateway", "orders", "dispatch")
            platform.deploy(
                ShopPlan(replicas=dict.fromkeys(services, 2), protections=capacity_protections())
            )
            platform.wait_ready(platform.ready_within_s)
            for rate in rates_rps:
                if _good_share(folder, platform.endpoints_file, rate) < GOOD_SHARE:
                    break
                best = rate
        finally:
            platform.tear_down()
    return [_row(best, max(read(path).mix.critical_rps for path in catalogue()))]


def _row(best: int, offered: float) -> tuple[str, str, str]:
    what = "checkouts that the orders path serves well, with what follows them"
    if not best:
        return what, f"fewer than {RATES_RPS[0]}/s", f"experiments offer {offered:g}/s"
    beside = f"experiments offer {offered:g}/s, {offered / best:.2f} of it; at most {MOST_OF_IT}"
    most = " or more" if best == RATES_RPS[-1] else ""
    return what, f"{best}/s{most}", f"{beside}; one round a rate"


def _good_share(folder: Path, endpoints: Path, rate: int) -> float:
    """Answers that were good in time, of all that followed `rate` checkouts a second."""
    clients = Clients(retries=0)
    plan = LoadPlan(
        capacity_rps=1.0,
        phases=(Phase(name="bench", seconds=SECONDS, factor=0.0),),
        mix=Mix(critical_rps=float(rate), menu_per_chat=0.0),
        clients=clients,
        base_factor=1.0,
    )
    # A seed of its own: equal seeds draw equal keys, and a key that was used for another order is 422.
    load = start_load(
        plan=plan, seed=rate, run_dir=folder, endpoints_file=endpoints, t0_unix_s=time.time()
    )
    load.wait(60.0)
    return good_share(read_requests(folder / "requests.parquet"), clients)


def good_share(log: pa.Table, clients: Clients) -> float:
    """Of the critical requests in a log, how many were accepted within their class's deadline."""
    classes = np.asarray(log["class"].to_pylist(), dtype=object)
    chosen = np.isin(classes, CRITICAL) & log["final"].to_numpy()
    deadline_s = np.array([clients.deadlines_s[name] for name in classes[chosen]])
    status = log["status"].to_numpy()[chosen]
    took_s = (log["ended_s"].to_numpy() - log["intended_s"].to_numpy())[chosen]
    good = (status >= 200) & (status < 300) & (took_s <= deadline_s)
    return float(good.mean()) if len(good) else 0.0
