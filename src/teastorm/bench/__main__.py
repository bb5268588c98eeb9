"""Measure and write docs/benchmarks.md: medians of five, as ratios within this one run."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import orjson

from teastorm.bench import choices, hpa, orders_path, simulators, startup
from teastorm.bench.probe import Server, drive, free_port, running, service
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.settings import Clients, Mix
from teastorm.load.start import start_load

ROUNDS = 5
REQUESTS = 2000
CHATS = 150
RATES_RPS = (500, 1000, 1500)
CLEAN_LAG_S = 0.005
LATE = {"X-User": "u", "X-Request-Timeout-Ms": "0"}
TARGET = Path("docs/benchmarks.md")


def main() -> int:
    """Run everything; the exit code is 0."""
    with tempfile.TemporaryDirectory(prefix="teastorm-bench-") as folder, ExitStack() as stack:
        rows = _door(Path(folder), stack)
    with tempfile.TemporaryDirectory(prefix="teastorm-bench-") as folder:
        rows += _generator(Path(folder))
    rows += startup.rows(ROUNDS)
    rows += orders_path.rows()
    rows += choices.rows()
    rows += hpa.rows()
    rows += simulators.rows()
    text = _table(rows)
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _start(stack: ExitStack, *command: str, port: int) -> Server:
    return stack.enter_context(running(*command, port=port))


def _door(folder: Path, stack: ExitStack) -> list[tuple[str, str, str]]:
    """The gateway beside a bare application, and what it adds to the AI's own time."""
    ports = {name: free_port() for name in ("bare", "gateway", "inference")}
    endpoints = folder / "endpoints.json"
    endpoints.write_bytes(orjson.dumps({"inference": [f"127.0.0.1:{ports['inference']}"]}))
    common = {"common": {"endpoints_file": str(endpoints), "protections": {"quotas": False}}}
    quick = {**common, "ttft_s": 0.005, "itl_s": 0.0001, "burn_share": 0.0, "startup_s": 0.0}
    bare = _start(stack, "-m", "teastorm.bench.bare", str(ports["bare"]), port=ports["bare"])
    gateway = _start(
        stack, *service("gateway", common, folder, ports["gateway"]), port=ports["gateway"]
    )
    inference = _start(
        stack, *service("inference", quick, folder, ports["inference"]), port=ports["inference"]
    )
    chat = '{"utterance": "one large oolong, less sugar"}'
    question = '{"model":"m","max_tokens":40,"messages":[{"role":"user","content":"one oolong"}]}'
    measured: dict[str, list[float]] = {}

    def note(name: str, measure: Callable[[], float]) -> None:
        measured.setdefault(name, []).append(measure())

    for _ in range(ROUNDS):
        note("bare", lambda: drive(bare, REQUESTS, "POST", "/chat", {}, chat)[0])
        note("refusal", lambda: drive(gateway, REQUESTS, "POST", "/chat", LATE, chat)[0])
        note("menu", lambda: drive(gateway, REQUESTS, "GET", "/menu", {"X-User": "u"})[0])
        note("chat", lambda: drive(gateway, CHATS, "POST", "/chat", {"X-User": "u"}, chat)[0])
        note("through", lambda: drive(gateway, CHATS, "POST", "/chat", {"X-User": "u"}, chat)[1])
        note(
            "direct",
            lambda: drive(inference, CHATS, "POST", "/v1/chat/completions", {}, question)[1],
        )
    m = {name: statistics.median(values) for name, values in measured.items()}
    return [
        ("CPU of a bare ASGI refusal", f"{m['bare'] * 1e6:.0f} µs", "the yardstick"),
        _ratio("CPU of a refusal at the gateway's door", m["refusal"], m["bare"]),
        _ratio("CPU of a served menu", m["menu"], m["bare"]),
        _ratio(
            "CPU of a chat passed on to inference and back (gateway's part)", m["chat"], m["bare"]
        ),
        (
            "end-to-end overhead of the gateway on an idle shop",
            f"{(m['through'] - m['direct']) * 1e3:.2f} ms",
            "a chat through the gateway less the same question to inference",
        ),
    ]


def _ratio(what: str, value_s: float, yardstick_s: float) -> tuple[str, str, str]:
    return what, f"{value_s * 1e6:.0f} µs", f"{value_s / yardstick_s:.1f} bare refusals"


def _generator(folder: Path) -> list[tuple[str, str, str]]:
    """The highest rate at which one generator process is punctual, against the bare application."""
    port = free_port()
    endpoints = folder / "endpoints.json"
    endpoints.write_bytes(orjson.dumps({"gateway": [f"127.0.0.1:{port}"]}))
    rows = []
    with running("-m", "teastorm.bench.bare", str(port), port=port):
        for rate in RATES_RPS:
            lags = [_lag_s(folder, endpoints, rate, seed) for seed in range(ROUNDS)]
            median_s = statistics.median(lags)
            word = "clean" if median_s <= CLEAN_LAG_S else "not clean"
            what = f"send lag p99 of one generator process at {rate}/s"
            rows.append((what, f"{median_s * 1e3:.1f} ms", (f"{word}; limit 5 ms, worst of five "
                         f"{max(lags) * 1e3:.1f} ms")))  # fmt: skip
    return rows


def _lag_s(folder: Path, endpoints: Path, rate: int, seed: int) -> float:
    plan = LoadPlan(
        capacity_rps=float(rate),
        phases=(Phase(name="bench", seconds=3.0, factor=1.0),),
        mix=Mix(critical_rps=0.0, menu_per_chat=0.0),
        clients=Clients(retries=0),
        base_factor=1.0,
    )
    load = start_load(
        plan=plan, seed=seed, run_dir=folder, endpoints_file=endpoints, t0_unix_s=time.time()
    )
    return load.wait(60.0).lag_p99_s


def _table(rows: list[tuple[str, str, str]]) -> str:
    lines = [
        "# Benchmarks",
        "",
        (
            "Written by `make bench`: medians of five rounds on one machine, in one run. Absolute times "
            "say something about that machine only; compare the ratios."
        ),
        "",
        "| what | median | beside |",
        "|---|---|---|",
        *(f"| {what} | {value} | {beside} |" for what, value, beside in rows),
        "",
        (
            "A decision of the HPA's port is a line of a case at one moment or a step of a case over "
            "time, decoded, decided and its answer written (`teastorm hpa replay`, its start left "
            "out); its JSON alone is the same lines read and the same answers written by orjson, "
            "untyped."
        ),
        "",
        (
            "The outgoing client is aiohttp, which can wait for many answers at once, and the server "
            "uvicorn with httptools and uvloop. Before they were chosen a proxied request had cost "
            "6.6 ms of CPU with httpx and .35 ms with aiohttp on two such cores; httpx is no "
            "dependency, so that figure is not measured again here."
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
