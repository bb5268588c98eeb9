"""A street to test on: a SQLite file, or a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from teashop.dispatch.app import create_app
from teashop.dispatch.crier import Crier
from teashop.dispatch.database import Database
from teashop.dispatch.desk import Asked, Desk
from teashop.dispatch.rounds import Report, Rounds
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.street import Street
from teashop.serving.clock import VirtualClock
from teashop.serving.service import Service

NOW_S = 1_700_000_000.0


class HereAndNow(Executor):
    """Does the work on the caller's thread, so that a virtual clock is all the time there is."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        return future


@dataclass
class Replica:
    """One replica without its HTTP side."""

    settings: DispatchSettings
    street: Street
    database: Database
    desk: Desk
    rounds: Rounds

    def ask(self, order_id: str, shop: str = "shop-1", drinks: int = 1) -> Asked:
        return Asked(order_id=order_id, shop=shop, drinks=drinks)

    def go_round(self, now_s: float, refused: dict[str, float] | None = None) -> Report:
        report = self.database.write(lambda c: self.rounds.run(c, now_s, refused or {}))
        self.rounds.committed()
        return report


def open_replica(settings: DispatchSettings, *, me: str = "a") -> Replica:
    street = Street.of(settings)
    database = Database(settings.dsn, connections=8, lock_timeout_s=10.0)
    rounds = Rounds(
        street,
        Crier.of(settings, street),
        me=me,
        lease_s=settings.lease_s,
        ahead_s=settings.run_s(settings.revise_ahead_minutes),
    )
    desk = Desk(database, street)
    desk.prepare(NOW_S)
    return Replica(settings, street, database, desk, rounds)


@pytest.fixture
def replica() -> Iterator[Callable[..., Replica]]:
    """Opens replicas and closes their databases afterwards."""
    opened: list[Replica] = []

    def open_one(settings: DispatchSettings, *, me: str = "a") -> Replica:
        opened.append(open_replica(settings, me=me))
        return opened[-1]

    yield open_one
    for one in opened:
        one.database.close()


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[..., tuple[Service, VirtualClock]]:
    """Makes applications on a virtual clock that share one SQLite file."""

    def make(
        *, clock: VirtualClock | None = None, name: str = "a", **changes: Any
    ) -> tuple[Service, VirtualClock]:
        settings = DispatchSettings(dsn=f"sqlite:///{tmp_path}/street.db", **changes)
        settings = replace(settings, common=replace(settings.common, replica=name))
        clock = clock or VirtualClock()
        app = create_app(
            settings,
            clock=clock,
            rng=random.Random(f"1/{name}"),
            registry=CollectorRegistry(),
            executor=HereAndNow(),
        )
        return app, clock

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that the street can live in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/street.db"
    server: str = request.getfixturevalue("postgres")
    name = f"street_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL, without a database, of a PostgreSQL on a free port of 127.0.0.1."""
    binaries = _binaries()
    if binaries is None:
        message = "no PostgreSQL found: install postgresql, or put initdb and postgres on PATH"
        if os.environ.get("TEASTORM_NO_SKIP") == "1":
            pytest.fail(message)
        pytest.skip(message)
    home = Path(tempfile.mkdtemp(prefix="teashop-dispatch-pg-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = _unprivileged()
        os.chown(home, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    log = (home / "log").open("wb")
    quiet: dict[str, Any] = {"stdout": log, "stderr": log, "cwd": home, **user}
    quiet["env"] = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C"}
    initdb: list[str | Path] = [
        binaries / "initdb",
        "-D",
        home / "data",
        "-U",
        "street",
        "-A",
        "trust",
        "-N",
    ]
    try:
        subprocess.run([*initdb, "-E", "UTF8"], check=True, **quiet)
        port = _free_port()
        options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
        options += ["fsync=off", "max_connections=80", "shared_buffers=32MB"]
        flags = [word for option in options for word in ("-c", option)]
        server = subprocess.Popen([binaries / "postgres", "-D", home / "data", *flags], **quiet)
        try:
            url = f"postgresql://street@127.0.0.1:{port}"
            _wait_until_it_answers(url, server, home / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown, whoever is still connected
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)
    finally:
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> Path | None:
    folders: list[Path] = []
    found = shutil.which("initdb")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    config = shutil.which("pg_config")
    if config is not None:
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(said.stdout.strip()))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.fail("run as root, but there is neither a user postgres nor nobody to start it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
                pytest.fail(f"PostgreSQL ended at once: {log.read_text()[-800:]}")
        else:
            return
    pytest.fail("PostgreSQL did not answer within half a minute")
