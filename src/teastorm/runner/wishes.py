"""What the command line wants otherwise than an experiment's file says."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import cast

from teastorm.runner.arguments import HELD
from teastorm.runner.document import EXTENSION, Document, list_of, mapping_of


def changed(
    document: Document,
    *,
    factor: float | None = None,
    duration_s: float | None = None,
    with_protections: tuple[str, ...] = (),
    without_protections: tuple[str, ...] = (),
    source: Path | None = None,
) -> Document:
    """A copy with the command line's wishes in it; checked like a file afterwards."""
    new = copy.deepcopy(document)
    for activity in list_of(new.get("method")):
        provider = mapping_of(mapping_of(activity).get("provider"))
        given = cast("dict[str, object]", provider.setdefault("arguments", {}))
        if provider.get("func") == "begin_load":
            if factor is not None:
                given["factor"] = factor
            if duration_s is not None:
                given["fault_s"] = duration_s
        elif provider.get("func") in HELD and duration_s is not None:
            given["hold_s"] = duration_s
        if not given:
            provider.pop("arguments")
    extension = next(
        e for e in map(mapping_of, list_of(new["extensions"])) if e["name"] == EXTENSION
    )
    if with_protections:
        extension["with"] = list(with_protections)
    if without_protections:
        extension["without"] = list(without_protections)
    if source is not None:
        # A plain `chaos run` hands a control the document and not where it came from.
        extension["source"] = str(source)
    return new
