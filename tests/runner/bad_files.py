"""Experiment files with one thing wrong each, and what is said of it."""

from collections.abc import Callable


def arguments(document: dict, index: int, **values: object) -> None:
    document["method"][index]["provider"].setdefault("arguments", {}).update(values)


def extension(document: dict, **values: object) -> None:
    document["extensions"][0].update(values)


def loss_of(document: dict, service: str) -> None:
    provider = document["method"][2]["provider"]
    provider["func"] = "lose_replica"
    provider["arguments"] = {"service": service}


BAD_FILES: dict[str, tuple[Callable[[dict], object], str]] = {
    "negative rate": (
        lambda d: arguments(d, 0, factor=-3),
        "method[0].provider.arguments.factor must be above 0, got -3",
    ),
    "words for a number": (
        lambda d: arguments(d, 0, factor="much"),
        "method[0].provider.arguments.factor must be a number, got 'much'",
    ),
    "no duration": (
        lambda d: arguments(d, 0, fault_s=0),
        "method[0].provider.arguments.fault_s must be above 0, got 0",
    ),
    "misspelt argument": (
        lambda d: arguments(d, 0, factr=3),
        "method[0].provider.arguments.factr is not an argument of begin_load",
    ),
    "unknown service": (
        lambda d: loss_of(d, "gatway"),
        "arguments.service must be a service, got 'gatway'; did you mean 'gateway'?",
    ),
    "missing curve": (
        lambda d: arguments(d, 0, curve="demand/other-day.csv"),
        "demand/other-day.csv does not exist",
    ),
    "unknown check": (
        lambda d: extension(d, checks=["goodput-retenton"]),
        "checks[0]: 'goodput-retenton' is no check; did you mean 'goodput-retention'?",
    ),
    "no checks": (lambda d: extension(d, checks=[]), "extensions[0].checks must be a list"),
    "check twice": (
        lambda d: extension(d, checks=["fairness", "fairness"]),
        "extensions[0].checks[1]: 'fairness' is there twice",
    ),
    "missing objectives": (
        lambda d: extension(d, slo="other.yaml"),
        "other.yaml does not exist; name the objectives' file",
    ),
    "misspelt override": (
        lambda d: extension(d, overrides={"fairnes": {"limit": 0.5}}),
        "fairness",
    ),
    "misspelt extension field": (
        lambda d: extension(d, replica={"orders": 2}),
        "extensions[0].replica is not known; did you mean 'replicas'?",
    ),
    "replicas of nothing": (
        lambda d: extension(d, replicas={"oders": 2}),
        "extensions[0].replicas.oders is no service; did you mean 'orders'?",
    ),
    "no replica": (
        lambda d: extension(d, replicas={"orders": 0}),
        "extensions[0].replicas.orders must be at least 1, got 0",
    ),
    "settings of nothing": (
        lambda d: extension(d, settings={"kitchen": {}}),
        "extensions[0].settings.kitchen is no service",
    ),
    "negative start-up": (
        lambda d: extension(d, startup_s={"orders": -1}),
        "extensions[0].startup_s.orders must be at least 0, got -1",
    ),
    "unknown protection": (
        lambda d: extension(d, without=["admision"]),
        "extensions[0].without: 'admision' is no protection; did you mean 'admission'?",
    ),
    "no load": (lambda d: d["method"].pop(0), "method must begin the load once"),
    "no extension": (lambda d: d.pop("extensions"), "extensions must hold one named teastorm"),
    "no control": (lambda d: d.pop("controls"), "controls must hold the one of teastorm.chaos"),
    "no baseline": (lambda d: d["method"].pop(1), "a probe whose name begins with baseline"),
    "misspelt section": (
        lambda d: d.update(rollback=d.pop("rollbacks")),
        "rollback is not known; did you mean 'rollbacks'?",
    ),
    "protections as words": (
        lambda d: extension(d, without="codel"),
        "extensions[0].without must be a list of protections, got 'codel'",
    ),
    "replicas as a number": (
        lambda d: extension(d, replicas=3),
        "extensions[0].replicas must be a mapping, got 3",
    ),
    "settings as a list": (
        lambda d: extension(d, settings=["fast"]),
        "extensions[0].settings must be a mapping, got ['fast']",
    ),
    "load as a number": (
        lambda d: extension(d, load=3),
        "extensions[0].load must be a mapping, got 3",
    ),
    "a misspelt part of the load": (
        lambda d: extension(d, load={"mx": {"critical_rps": 3}}),
        "extensions[0].load.mx is not known; did you mean 'mix'?",
    ),
    "a misspelt class of the load": (
        lambda d: extension(d, load={"mix": {"critcal_rps": 3}}),
        "extensions[0].load.mix.critcal_rps is not known; did you mean 'critical_rps'?",
    ),
    "a negative rate of checkouts": (
        lambda d: extension(d, load={"mix": {"critical_rps": -3}}),
        "extensions[0].load.mix.critical_rps must be between 0 and 10",
    ),
    "a rate in words": (
        lambda d: extension(d, load={"mix": {"critical_rps": "many"}}),
        "extensions[0].load.mix.critical_rps must be a number, got 'many'",
    ),
    "a rate beyond floats": (
        lambda d: extension(d, load={"mix": {"critical_rps": 10**400}}),
        "extensions[0].load.mix.critical_rps must be between 0 and 10",
    ),
    "half a status question": (
        lambda d: extension(d, load={"mix": {"status_max": 1.5}}),
        "extensions[0].load.mix.status_max must be a whole number, got 1.5",
    ),
    "a shop for a list of shops": (
        lambda d: extension(d, load={"mix": {"shops": "shop-1"}}),
        "extensions[0].load.mix.shops must be a list of shops' names, got 'shop-1'",
    ),
    "a deadline for all": (
        lambda d: extension(d, load={"clients": {"deadlines_s": 2}}),
        "extensions[0].load.clients.deadlines_s must be a mapping, got 2",
    ),
    "a deadline of no class": (
        lambda d: extension(d, load={"clients": {"deadlines_s": {"chats": 2}}}),
        "extensions[0].load.clients.deadlines_s must name exactly chat, checkout",
    ),
    "a deadline of nothing": (
        lambda d: extension(d, load={"clients": {"deadlines_s": {"chat": 0}}}),
        "extensions[0].load.clients.deadlines_s.chat must be between 0.001 and 600, got 0",
    ),
    "a city of replicas": (
        lambda d: extension(d, replicas={"orders": 5000}),
        "extensions[0].replicas.orders must be at most 64, got 5000",
    ),
    "a number beyond floats": (
        lambda d: arguments(d, 0, factor=10**400),
        "method[0].provider.arguments.factor must be a number",
    ),
    "no title": (lambda d: d.pop("title"), "title is missing"),
    "unknown function": (
        lambda d: d["method"][1]["provider"].update(func="baseline_was_steady"),
        "does not expose a function called 'baseline_was_steady'",
    ),
    "unknown module": (
        lambda d: d["method"][1]["provider"].update(module="teastorm.chaos.prods"),
        "could not find Python module 'teastorm.chaos.prods'",
    ),
}
