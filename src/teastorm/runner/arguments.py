"""What the arguments of our actions and probes may be: checked before anything is started.

The same rules hold for a file, for `--factor` and for `--duration`, so a value is refused in the
same words wherever it came from.
"""

from collections.abc import Mapping

from teastorm.platforms.base import SERVICES
from teastorm.platforms.faults import EDGES, FAULT_KINDS
from teastorm.runner.rules import Rule, above, at_least, flag, names_of, one_of, text, whole

CLASSES = ("chat", "checkout", "payment", "status", "menu")
LOSS_SIGNALS = ("KILL", "TERM", "STOP")
MAX_FACTOR = 20.0
MAX_SECONDS = 3600.0
MAX_REPLICAS = 64
"""Of one service: a machine, and a testbed's namespace, has no room for more."""

MAX_EDGE_SECONDS = 580.0
"""A service keeps no injected fault for longer than ten minutes, the dead man's margin included."""


service: Rule = one_of("service", SERVICES)
replica: Rule = text("a replica's name")
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
        "curve": text("a file's name"),
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
    "cut_edge": {**_EDGE, "refuse": flag, "replica": replica},
    "lose_name": {**_EDGE, "answer": one_of("resolver's answer", ("fails", "none"))},
    "surge": {},
    "kill_container": {"service": service, "count": whole(1, MAX_REPLICAS)},
    "hang": {"service": service, "hold_s": seconds, "count": whole(1, MAX_REPLICAS)},
    "restart_rolling": {"service": service, "within_s": seconds},
    "drain_node": {
        "service": service,
        "within_s": seconds,
        "node": text("a node's name"),
        "at_once": flag,
    },
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
