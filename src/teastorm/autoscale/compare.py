"""An answer beside the one in the case file; what is informational there is not compared."""

from collections.abc import Mapping

INFORMATIONAL = frozenset(
    {"error.text", "error_text", "ready_pods", "unready", "missing", "ignored", "note"}
)


def difference(case: Mapping[str, object], answer: Mapping[str, object]) -> str | None:
    """The first field that differs, such as `steps[3].desired`; None if all that is told is equal."""
    told = case.get("expect")
    if isinstance(told, dict):
        return _fields(told, answer, "")
    steps, mine = case.get("steps"), answer.get("steps")
    if not isinstance(steps, list) or not isinstance(mine, list):
        return None
    for index, (step, own) in enumerate(zip(steps, mine, strict=True)):
        told = step.get("expect")
        where = None if told is None else _fields(told, own, "")
        if where is not None:
            return f"steps[{index}].{where}"
    if "final_state" in case and case["final_state"] != answer["final_state"]:
        return "final_state"
    return None


def _fields(told: Mapping[str, object], own: Mapping[str, object], prefix: str) -> str | None:
    for key, value in told.items():
        name = f"{prefix}{key}"
        if name in INFORMATIONAL or (key == "usage_milli" and told.get("usage_undefined")):
            continue
        mine = own.get(key)
        if isinstance(value, dict) and isinstance(mine, dict):
            inner = _fields(value, mine, f"{name}.")
            if inner is not None:
                return inner
        elif value != mine:
            return name
    return None
