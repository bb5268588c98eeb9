"""An experiment's document: read from its file, and refused when Chaos Toolkit or we could not run it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml

from teastorm import strict_yaml
from teastorm.runner.problems import did_you_mean, usage

EXTENSION = "teastorm"
TOP_KEYS = (
    "title",
    "description",
    "tags",
    "version",
    "contributions",
    "configuration",
    "secrets",
    "controls",
    "extensions",
    "steady-state-hypothesis",
    "method",
    "rollbacks",
    "runtime",
    "dry",
)
"""What Chaos Toolkit knows; it passes over the rest, `rollback:` among it."""

CONTROL = "teastorm.chaos.control"

type Document = dict[str, object]


def parse(path: Path) -> Document:
    """The document in a file; RunProblem (2) when it is missing, unreadable or no mapping."""
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise usage(
            f"{path}: no such file; `teastorm list` names the experiments there are"
        ) from error
    except OSError as error:
        raise usage(f"{path}: cannot be read ({error.strerror}); name a readable file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())[:160]
        raise usage(f"{path}: is not YAML ({line}); mend that line") from error
    if not isinstance(content, dict):
        raise usage(f"{path}: must be a mapping with title, extensions and method")
    return cast("Document", content)


def extension_of(document: Document, path: Path) -> tuple[Mapping[str, object], str]:
    """Our extension and its place (`extensions[0]`); title and method must be there too."""
    for key in document:
        if key not in TOP_KEYS:
            raise usage(f"{path}: {key} is not known{did_you_mean(str(key), TOP_KEYS)}")
    for key in ("title", "description", "method"):
        if not document.get(key):
            raise usage(f"{path}: {key} is missing; write it")
    for index, entry in enumerate(list_of(document.get("extensions"))):
        if mapping_of(entry).get("name") == EXTENSION:
            return mapping_of(entry), f"extensions[{index}]"
    raise usage(f"{path}: extensions must hold one named {EXTENSION} with its checks")


def controlled(document: Document, path: Path) -> None:
    """Refuse an experiment without our control: nobody would deploy the shop or judge the run."""
    for entry in list_of(document.get("controls")):
        if mapping_of(mapping_of(entry).get("provider")).get("module") == CONTROL:
            return
    raise usage(
        f"{path}: controls must hold the one of {CONTROL}, which deploys the shop and judges"
    )


def toolkit_accepts(document: Document, path: Path) -> None:
    """Chaos Toolkit's own validation, in one sentence and without its log."""
    from chaoslib.exceptions import ChaosException  # noqa: PLC0415 - keeps `--help` fast
    from chaoslib.experiment import ensure_experiment_is_valid  # noqa: PLC0415 - the same

    logger = logging.getLogger("chaostoolkit")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        ensure_experiment_is_valid(document)
    except ChaosException as error:
        raise usage(f"{path}: {' '.join(str(error).split())}") from error
    finally:
        logger.setLevel(before)


def a_mapping(value: object, where: str) -> dict[str, object]:
    """The value as a mapping, nothing as an empty one; anything else is refused."""
    if value is not None and not isinstance(value, dict):
        raise usage(f"{where} must be a mapping, got {value!r}")
    return mapping_of(value)


def list_of(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping_of(value: object) -> dict[str, object]:
    """The value if it is a mapping, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
