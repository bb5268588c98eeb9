"""What a service is told when it starts: its command line, its settings file, its secrets' files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from teashop.serving.settings import SettingsError, load

SERVICES = ("gateway", "inference", "orders", "dispatch")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="teashop", description="Run one service of the shop.")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--settings", type=Path, help="a JSON file; without it, defaults")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="FIELD=FILE",
        help="a setting read from a file of its own, as common.admin_token=FILE; repeatable",
    )
    parser.add_argument("--replica", help="this replica's name, over the settings' own")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--admin-host", default="127.0.0.1")
    parser.add_argument("--admin-port", type=int, default=0, help="0: no admin port")
    return parser.parse_args(argv)


def read_settings(args: argparse.Namespace, settings_class: type) -> object:
    """The service's settings from the file, with the command line's secrets and replica name.

    Raises:
        SettingsError: in one sentence.
    """
    raw: dict[str, Any] = {}
    where = "defaults"
    if args.settings is not None:
        where = str(args.settings)
        try:
            raw = orjson.loads(args.settings.read_bytes())
        except OSError as error:
            raise SettingsError(f"{where} cannot be read: {error.strerror}") from None
        except orjson.JSONDecodeError as error:
            raise SettingsError(f"{where} is not JSON: {error}") from None
        if not isinstance(raw, dict):
            raise SettingsError(f"{where} must hold an object")
    common = dict(raw.get("common") or {})
    common["service"] = args.service
    if args.replica:
        common["replica"] = args.replica
    raw = {**raw, "common": common}
    for secret in args.secret:
        field, value = _secret(secret)
        into, _, name = field.rpartition(".")
        (common if into == "common" else raw)[name if into == "common" else field] = value
    settings: object = load(settings_class, raw, where)
    _refuse_an_open_admin_port(args, settings)
    return settings


def _secret(argument: str) -> tuple[str, str]:
    """Field and value of one `--secret FIELD=FILE`; a final line break is not part of the value.

    Raises:
        SettingsError: in one sentence, which never shows the value.
    """
    field, equals, file = argument.partition("=")
    if not (field and equals and file):
        raise SettingsError(f"--secret must be FIELD=FILE, got {argument!r}")
    try:
        value = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"--secret {field}: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--secret {field}: {file} is not UTF-8 text") from None
    if not value:
        raise SettingsError(f"--secret {field}: {file} is empty")
    return field, value


def _refuse_an_open_admin_port(args: argparse.Namespace, settings: Any) -> None:
    """Beyond loopback the admin port wants a token: whoever reaches it can crash the service.

    Raises:
        SettingsError: in one sentence.
    """
    loopback = args.admin_host in {"localhost", "::1"} or args.admin_host.startswith("127.")
    if args.admin_port and not loopback and not settings.common.admin_token:
        raise SettingsError(
            f"--admin-host {args.admin_host} is not loopback: set common.admin_token "
            "(--secret common.admin_token=FILE), or leave the admin port on 127.0.0.1"
        )
