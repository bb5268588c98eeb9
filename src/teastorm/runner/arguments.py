"""What the arguments of our actions and probes may be: checked before anything is started.

The same rules hold for a file, for `--factor` and for `--duration`, so a value is refused in the
same words wherever it came from.
"""

import math
import sys
from collections.abc import Callable, Mapping

from teastorm.platforms.base import SERVICES
from teastorm.platforms.faults import EDGES, FAULT_KINDS
from teastorm.runner.problems import did_you_mean

type Rule = Callable[[object], str | None]
"""A sentence's end when the value is refused (`must be above 0, got -3`), None when it is fine."""

CLASSES = ("chat", "checkout", "payment", "status", "menu")
LOSS_SIGNALS = ("KILL", "TERM", "STOP")
MAX_FACTOR = 20.0
MAX_SECONDS = 3600.0
MAX_REPLICAS = 64
"""Of one service: a machine, and a testbed's namespace, has no room for more."""

MAX_EDGE_SECONDS = 580.0
"""A service keeps no injected fault for longer than ten minutes, the dead man's margin included."""


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # An int may be too large for a float, and NaN is neither above nor below anything.
    return float(value) if abs(value) <= sys.float_info.max else None


def above(lowest: float, highest: float = math.inf) -> Rule:
    """A finite number above `lowest` and at most `highest`."""

    def rule(value: object) -> str | None:
        number = _number(value)
        if number is None:
            return f"must be a number, got {value!r}"
        if number <= lowest:
            return f"must be above {lowest:g}, got {value!r}"
        return f"must be at most {highest:g}, got {value!r}" if number > highest else None

    return rule


def at_least(lowest: float, highest: float = math.inf) -> Rule:
    """A finite number from `lowest` to `highest`."""

    def rule(value: object) -> str | None:
        number = _number(value)
        if number is None:
            return f"must be a number, got {value!r}"
        if number < lowest:
            return f"must be at least {lowest:g}, got {value!r}"
        return f"must be at most {highest:g}, got {value!r}" if number > highest else None

    return rule


def whole(lowest: int, highest: int = 10_000) -> Rule:
    """A whole number from `lowest` to `highest`."""

    def rule(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be a whole number, got {value!r}"
        if value < lowest:
            return f"must be at least {lowest}, got {value}"
        return f"must be at most {highest}, got {value}" if value > highest else None

    return rule


def one_of(kind: str, known: tuple[str, ...]) -> Rule:
    """One of some names."""

    def rule(value: object) -> str | None:
        if isinstance(value, str) and value in known:
            return None
        return f"must be a {kind}, got {value!r}{did_you_mean(str(value), known)}"

    return rule


def names_of(kind: str, known: tuple[str, ...]) -> Rule:
    """A list of some names, at least one."""
    single = one_of(kind, known)

    def rule(value: object) -> str | None:
        if not isinstance(value, list) or not value:
            return f"must be a list of {kind}s, got {value!r}"
        return next((refused for item in value if (refused := single(item))), None)

    return rule


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"must be a file's name, got {value!r}"


def _replica(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"must be a replica's name, got {value!r}"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, got {value!r}"


def _name(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"must be a node's name, got {value!r}"


service: Rule = one_of("service", SERVICES)
replica: Rule = _replica
seconds: Rule = above(0, MAX_SECONDS)
edge_seconds: Rule = above(0, MAX_EDGE_SECONDS)
factor: Rule = above(0, MAX_FACTOR)

_EDGE: Mapping[str, Rule] = {"caller": service, "callee": service, "hold_s": edge_seconds}

RULES: Mapping[str, Mapping[str, Rule]] = {
    "begin_load": {
        "factor": factor,
        "baseline_s": seconds,
        "fault_s": seconds,
        "after_s": seconds,
        "base_factor": factor,
        "curve": _text,
    },
    "finish_load": {},
    "lose_replica": {
        "service": service,
        "signal": one_of("signal", LOSS_SIGNALS),
        "count": whole(1, MAX_REPLICAS),
    },
    "lose_all": {"service": service, "hold_s": seconds},
    "inject": {
        "service": service,
        "kind": one_of("kind of fault", FAULT_KINDS),
        "hold_s": edge_seconds,
        "latency_s": at_least(0, MAX_SECONDS),
        "share": above(0, 1),
        "status": whole(400, 599),
    },
    "slow_edge": {
        **_EDGE,
        "latency_s": above(0, MAX_EDGE_SECONDS),
        "jitter_s": at_least(0, MAX_EDGE_SECONDS),
        "share": above(0, 1),
        "replica": replica,
    },
    "fail_edge": {**_EDGE, "status": whole(400, 599), "share": above(0, 1), "replica": replica},
    "cut_edge": {**_EDGE, "refuse": _flag, "replica": replica},
    "lose_name": {**_EDGE, "answer": one_of("resolver's answer", ("fails", "none"))},
    "surge": {},
    "kill_container": {"service": service, "count": whole(1, MAX_REPLICAS)},
    "hang": {"service": service, "hold_s": seconds, "count": whole(1, MAX_REPLICAS)},
    "restart_rolling": {"service": service, "within_s": seconds},
    "drain_node": {"service": service, "within_s": seconds, "node": _name, "at_once": _flag},
    "lose_database": {},
    "scale_late": {
        "service": service,
        "to": whole(1, MAX_REPLICAS),
        "trigger_s": at_least(0, MAX_SECONDS),
        "startup_s": at_least(0, MAX_SECONDS),
    },
    "roll_back_faults": {},
    "baseline_is_steady": {"at_least": above(0, 1)},
    "during_the_fault": {
        "classes": names_of("class", CLASSES),
        "at_least": above(0, 1),
        "at_share": above(0, 1),
    },
    "shop_is_healthy": {},
    "recovered": {"at_least": above(0, 1)},
}


HELD = frozenset({"lose_all", "inject", "hang", "slow_edge", "fail_edge", "cut_edge", "lose_name"})
"""Faults that last as long as they are told to (`hold_s`)."""


def refusals(function: str, arguments: Mapping[str, object]) -> list[tuple[str, str]]:
    """`(argument, what is wrong)` for each argument of `function` that cannot be used."""
    rules = RULES.get(function, {})
    found: list[tuple[str, str]] = []
    for name, value in arguments.items():
        rule = rules.get(name)
        if rule is None:
            found.append((name, f"is not an argument of {function}{_known(rules)}"))
        elif value is not None and (refused := rule(value)):
            found.append((name, refused))
    if not found and "caller" in rules and "callee" in arguments:
        found.extend(_no_edge(arguments.get("caller"), arguments["callee"]))
    return found


def _no_edge(caller: object, callee: object) -> list[tuple[str, str]]:
    called = [to for source, to in EDGES if source == caller]
    if callee in called:
        return []
    known = f"{caller} calls {' and '.join(called)}" if called else f"{caller} calls nobody"
    return [("callee", f"is not called by {caller}, got {callee!r}; {known}")]


def check(function: str, **arguments: object) -> None:
    """Raise ValueError for the first argument that cannot be used."""
    for name, refused in refusals(function, arguments):
        raise ValueError(f"{name} {refused}")


def _known(rules: Mapping[str, Rule]) -> str:
    return f"; it takes {', '.join(rules)}" if rules else "; it takes none"
