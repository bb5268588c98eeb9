"""Run one service: `python -m teashop.serving.run SERVICE --settings FILE`.

What must not stand in the settings file comes from files of its own: `--secret dsn=FILE`.
The main port serves the shop, the admin port faults; SIGTERM drains: readiness goes off, the
grace passes, the ports stop accepting, what is in flight finishes, clients close.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import logging
import random
import signal
import sys
from collections.abc import Iterator
from typing import Protocol

import uvicorn

from teashop.serving import telemetry
from teashop.serving.admin import AdminApp
from teashop.serving.clock import SystemClock
from teashop.serving.command_line import parse, read_settings
from teashop.serving.service import Service
from teashop.serving.settings import SettingsError
from teashop.serving.slices import answer_soon

log = logging.getLogger("teashop.run")


class _Create(Protocol):
    """The `create_app` of every service."""

    def __call__(self, settings: object, **parts: object) -> Service: ...


def find(service: str) -> tuple[_Create, type]:
    """A service's `create_app` and its settings class, by the names all four follow.

    Imported by name, since a static import would have `serving` depend on what stands on it.
    """
    app = importlib.import_module(f"teashop.{service}.app")
    settings = importlib.import_module(f"teashop.{service}.settings")
    return app.create_app, getattr(settings, f"{service.capitalize()}Settings")


class _QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to this module."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


async def serve(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; the exit status."""
    create_app, settings_class = find(args.service)
    try:
        settings = read_settings(args, settings_class)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    common = settings.common  # type: ignore[attr-defined]  # every service's settings have it
    telemetry.log_as_json(common.service, common.replica)
    app = create_app(
        settings,
        clock=SystemClock(),
        rng=random.Random(f"{common.seed}/{common.replica}"),
        registry=telemetry.new_registry(),
    )
    servers = [_server(app, args.host, args.port, lifespan="on")]
    if args.admin_port:
        admin = AdminApp(app.faults, token=common.admin_token)
        servers.append(_server(admin, args.admin_host, args.admin_port, lifespan="off"))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    running = [asyncio.create_task(server.serve()) for server in servers]
    gc.collect()
    gc.freeze()  # what start-up made stays; collections then look at requests only
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([stop, *running], return_when=asyncio.FIRST_COMPLETED)
    failed = not stopping.is_set()
    app.drain()
    if not failed:
        await SystemClock().sleep(common.grace_s)
    for server in servers:
        server.should_exit = True
    results = await asyncio.gather(*running, return_exceptions=True)
    errors = [r for r in results if isinstance(r, BaseException)]
    stop.cancel()
    return 1 if failed or errors else 0


def _server(app: object, host: str, port: int, *, lifespan: str) -> _QuietServer:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        host=host,
        port=port,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan=lifespan,  # type: ignore[arg-type]  # one of uvicorn's words
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        backlog=4096,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=5,
    )
    return _QuietServer(config)


def main() -> None:
    """The entry point."""
    import uvloop  # noqa: PLC0415 - only a running service needs it

    args = parse()
    answer_soon(args.service)
    sys.exit(uvloop.run(serve(args)))


if __name__ == "__main__":
    main()
