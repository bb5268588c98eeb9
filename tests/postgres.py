"""Databases to test on: a SQLite file, and a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


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
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def dsn(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    kind = "sqlite_dsn" if request.param == "sqlite" else "postgres_dsn"
    chosen: str = request.getfixturevalue(kind)
    return chosen


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
