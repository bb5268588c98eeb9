"""Databases to test on: a SQLite file, and a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psycopg
import pytest

from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teashop.orders.audit import Audit
from teashop.orders.database import Database
from teashop.orders.model import Cart
from teashop.orders.outbox import Outbox
from teashop.orders.store import OrderStore, Terms
from teashop.serving.asgi import Headers
from teashop.serving.client import Answer, Unavailable

DRINKS = tuple(MENU.drinks)


def make_a_cart(
    user: str = "ann",
    *,
    shop: str = "shop-1",
    drink: str = DRINKS[0],
    quantity: int = 1,
    coupon: bool = False,
) -> Cart:
    """A cart of one line."""
    line = DrinkOrder(drink=drink, quantity=quantity)
    return Cart(user=user, shop=shop, lines=(line,), coupon=coupon)


def make_a_body(
    user: str = "ann", *, shop: str = "shop-1", coupon: bool = False
) -> dict[str, object]:
    """The JSON body of the same cart."""
    return {
        "user": user,
        "shop": shop,
        "items": [DrinkOrder(drink=DRINKS[0]).to_json()],
        "coupon": coupon,
    }


@dataclass
class Wall:
    """A wall clock that tests move."""

    now_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Ledger:
    """One process's view of a database."""

    database: Database
    store: OrderStore
    outbox: Outbox
    audit: Audit
    wall: Wall = field(default_factory=Wall)

    def read(self) -> dict[str, object]:
        """The whole ledger, parsed."""
        with self.audit.ledger() as chunks:
            parsed: dict[str, object] = orjson.loads(b"".join(chunks))
        return parsed


def open_a_ledger(
    dsn: str,
    *,
    coupon_budget: int = 20,
    coupon_fen: int = 500,
    stock: int = 1000,
    lock_timeout_s: float = 10.0,
    attempts: int = 5,
    wall: Wall | None = None,
) -> Ledger:
    """Open `dsn` as a replica would."""
    moment = wall or Wall()
    database = Database(
        dsn,
        connections=16,
        lock_timeout_s=lock_timeout_s,
        attempts=attempts,
        rng=random.Random(1),
    )
    terms = Terms(coupon_budget=coupon_budget, coupon_fen=coupon_fen, stock_per_drink=stock)
    store = OrderStore(database, terms, unix=moment)
    store.open()
    outbox = Outbox(database, unix=moment)
    return Ledger(database, store, outbox, Audit(database, chunk_rows=7), moment)


def _binaries() -> Path | None:
    """The folder of initdb and postgres, or None."""
    candidates: list[Path] = []
    found = shutil.which("initdb")
    if found is not None:
        candidates.append(Path(found).resolve().parent)
    config = shutil.which("pg_config")
    if config is not None:
        shown = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(shown.stdout.strip()))
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _owner() -> str:
    """Who may run PostgreSQL: it refuses root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.fail("run as root, but there is neither a user postgres nor nobody to start it as")


@pytest.fixture
def make_cart() -> Callable[..., Cart]:
    """Makes carts of one line."""
    return make_a_cart


@pytest.fixture
def make_body() -> Callable[..., dict[str, object]]:
    """Makes the JSON of the same carts."""
    return make_a_body


@pytest.fixture
def open_ledger() -> Callable[..., Ledger]:
    """Opens a replica on a DSN."""
    return open_a_ledger


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own on a Unix socket; the value is the socket's folder."""
    binaries = _binaries()
    if binaries is None:
        message = "no PostgreSQL found: install postgresql, or put initdb and postgres on PATH"
        if os.environ.get("TEASTORM_NO_SKIP") == "1":
            pytest.fail(message)
        pytest.skip(message)
    owner = _owner()
    home = Path(tempfile.mkdtemp(prefix="teashop-pg-", dir="/tmp"))  # socket paths must be short
    switch: dict[str, object] = {}
    if os.geteuid() == 0:
        shutil.chown(home, owner, pwd.getpwnam(owner).pw_gid)
        switch = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []}
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C"}
    log = (home / "log").open("wb")
    data = home / "data"
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
            check=True,
            stdout=log,
            stderr=log,
            cwd=home,
            env=env,
            **switch,  # type: ignore[call-overload]  # user, group, extra_groups
        )
        settings = ["listen_addresses=", f"unix_socket_directories={home}", "fsync=off"]
        settings += ["max_connections=150", "shared_buffers=32MB"]
        flags = [word for setting in settings for word in ("-c", setting)]
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *flags],
            stdout=log,
            stderr=log,
            cwd=home,
            env=env,
            **switch,  # type: ignore[call-overload]  # the same
        )
        try:
            _wait_until_it_answers(home, server)
            yield str(home)
        finally:
            server.send_signal(signal.SIGINT)  # "fast": disconnects whoever is left
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(10)
    finally:
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_it_answers(home: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)
        else:
            return
    pytest.fail("PostgreSQL did not answer within 10 s")


@pytest.fixture
def postgres_dsn(postgres: str) -> str:
    """A fresh PostgreSQL database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(
        host=postgres, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]  # our own name
    return f"postgresql://postgres@/{name}?host={postgres}"


@pytest.fixture
def sqlite_dsn(tmp_path: Path) -> str:
    """A fresh SQLite file."""
    return f"sqlite:///{tmp_path / 'orders.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def dsn(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    kind = "sqlite_dsn" if request.param == "sqlite" else "postgres_dsn"
    chosen: str = request.getfixturevalue(kind)
    return chosen


@pytest.fixture
def open_replica(dsn: str) -> Iterator[Callable[..., Ledger]]:
    """Opens replicas on one database and closes them after the test."""
    opened: list[Ledger] = []

    def opener(**terms: object) -> Ledger:
        ledger = open_a_ledger(dsn, **terms)  # type: ignore[arg-type]  # its keyword arguments
        opened.append(ledger)
        return ledger

    yield opener
    for ledger in opened:
        ledger.database.close()


@pytest.fixture
def ledger(open_replica: Callable[..., Ledger]) -> Ledger:
    """One replica on a fresh database of each kind."""
    return open_replica()


class Hold:
    """Work for a database thread that goes on until it is told to end."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.end = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        if not self.end.wait(20):
            raise TimeoutError("nobody ended this work")
        return "done"


@pytest.fixture
def make_hold() -> Iterator[Callable[[], Hold]]:
    """Makes work that the test ends, or the fixture does."""
    made: list[Hold] = []

    def maker() -> Hold:
        made.append(Hold())
        return made[-1]

    yield maker
    for hold in made:
        hold.end.set()


type Reply = Answer | Unavailable


class FakeDispatch:
    """Answers in place of the outgoing client: from a script, then as a dispatch that works."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.quote: Reply | Callable[[], Awaitable[Answer]] = Unavailable("dispatch", "dependency")
        self.assignments: list[dict[str, object]] = []
        self.quoted: list[str] = []
        self.running = False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Headers = (),
        deadline_s: float | None = None,
        idempotent: bool = True,
        attempts: int | None = None,
    ) -> Answer:
        assert service == "dispatch"
        assert attempts == 1, "the relay is the one place that tries again"
        if method == "GET":
            self.quoted.append(path)
            reply = self.quote if isinstance(self.quote, Answer | Unavailable) else None
            return _given(reply) if reply is not None else await self.quote()  # type: ignore[operator]
        assert (method, path) == ("POST", "/assignments")
        self.assignments.append(orjson.loads(body))
        return _given(self.script.pop(0) if self.script else json_answer(201, {"promised_s": 60.0}))

    def delivered(self) -> list[object]:
        """The order ids of every attempt, in order."""
        return [assignment["order_id"] for assignment in self.assignments]


def _given(reply: Reply) -> Answer:
    if isinstance(reply, Unavailable):
        raise reply
    return reply


def json_answer(status: int, payload: object, **headers: str) -> Answer:
    """An answer of another service; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, orjson.dumps(payload), named)


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Makes answers of other services."""
    return json_answer


@pytest.fixture
def dispatch() -> FakeDispatch:
    """A dispatch that confirms everything until it is given a script."""
    return FakeDispatch()
