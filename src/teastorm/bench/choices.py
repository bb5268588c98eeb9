"""Why aiohttp and uvicorn with httptools and uvloop: their CPU a request beside what else there is.

All clients ask the same bare server the same question over one kept connection, all servers answer
the same driver. A client's CPU is this process's, a server's its own.
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import aiohttp
import urllib3
import uvloop

from teastorm.bench.probe import drive, free_port, running

ROUNDS = 5
REQUESTS = 1000


def rows(rounds: int = ROUNDS, requests: int = REQUESTS) -> list[tuple[str, str, str]]:
    """Lines for the benchmarks' table: what, CPU a request, beside the one that the shop uses."""
    with ExitStack() as stack:
        ports = {kind: free_port() for kind in ("fast", "plain")}
        servers = {
            kind: stack.enter_context(
                running("-m", "teastorm.bench.bare", str(port), kind, port=port)
            )
            for kind, port in ports.items()
        }
        clients: dict[str, Callable[[int, int], None]] = {
            "aiohttp on uvloop": _aiohttp,
            "urllib3": _urllib3,
            "http.client": _http_client,
        }
        asking: dict[str, list[float]] = {name: [] for name in clients}
        answering: dict[str, list[float]] = {kind: [] for kind in servers}
        for _ in range(rounds):
            for name, client in clients.items():
                began_s = time.process_time()
                client(ports["fast"], requests)
                asking[name].append((time.process_time() - began_s) / requests)
            for kind, server in servers.items():
                answering[kind].append(drive(server, requests, "GET", "/", {})[0])
    words = {"fast": "httptools and uvloop", "plain": "h11 and asyncio"}
    return [
        *_beside("CPU of a client's request", asking, "aiohttp on uvloop", {}),
        *_beside("CPU of uvicorn's answer", answering, "fast", words),
    ]


def _beside(
    what: str, spent: dict[str, list[float]], ours: str, words: dict[str, str]
) -> list[tuple[str, str, str]]:
    medians = {name: statistics.median(seconds) for name, seconds in spent.items()}
    return [
        (
            f"{what}, {words.get(name, name)}",
            f"{median_s * 1e6:.0f} µs",
            "what the shop uses" if name == ours else f"{median_s / medians[ours]:.1f}x that",
        )
        for name, median_s in medians.items()
    ]


def _aiohttp(port: int, requests: int) -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(requests):
                async with session.get(f"http://127.0.0.1:{port}/") as answer:
                    await answer.read()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())


def _urllib3(port: int, requests: int) -> None:
    with urllib3.HTTPConnectionPool("127.0.0.1", port) as pool:
        for _ in range(requests):
            _ = pool.request("GET", "/", retries=False).data


def _http_client(port: int, requests: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(requests):
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()
