"""What a session found, in sentences."""

from __future__ import annotations

from teastorm.tune.choose import Candidate, Choice
from teastorm.tune.score import Figure, Score
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting
from teastorm.tune.slo import Slo

_METRICS = {
    Metric.CPU: "CPU",
    Metric.IN_FLIGHT: "requests in flight",
    Metric.OFFERED: "offered load",
}


def percent(figure: Figure) -> str:
    """A share with its interval: `1.2 % ± 0.3`."""
    half = "" if figure.half_width is None else f" ± {100 * figure.half_width:.2g}"
    return f"{100 * figure.mean:.3g} %{half}"


def plain(figure: Figure, digits: int = 3) -> str:
    """A number with its interval."""
    half = "" if figure.half_width is None else f" ± {figure.half_width:.2g}"
    return f"{figure.mean:.{digits}g}{half}"


def target(setting: Setting, service: Service) -> str:
    """`CPU at 62 % of the request`."""
    found = setting.target(service)
    if setting.metric is Metric.CPU:
        return f"CPU at {found.target} % of the request"
    unit = "in flight" if setting.metric is Metric.IN_FLIGHT else "offered a second"
    return f"{found.target / 1000:.3g} {unit} per replica"


def setting(one: Setting, service: Service) -> str:
    """A setting in one line."""
    parts = [
        target(one, service),
        f"{one.min_replicas} to {one.max_replicas} replicas",
        f"up to +{one.up_percent} % or 4 pods each 15 s"
        + (f" after {one.up_window_s} s" if one.up_window_s else ""),
        f"down -{one.down_percent} % each 15 s after {one.down_window_s} s",
    ]
    if planned := ahead(one, service):
        parts.append(planned)
    return "; ".join(parts)


def ahead(one: Setting, service: Service) -> str:
    """The planned floor, in the demand's own time; empty without one."""
    planned = one.planned(service, service.scenario.demand)
    if not planned:
        return ""
    start, end = planned[0], planned[-1]
    return (
        f"{start.min_replicas} replicas planned from {clock(start.at_s)} until {clock(end.at_s)}"
        f" of the demand ({one.ahead_s} s ahead of the crowd)"
    )


def clock(seconds: float) -> str:
    """`1:05:00` from the demand's start."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def outcome(score: Score) -> str:
    """`misses 1.2 % ± .3, 14.2 ± .1 pod-hours, 9 changes`."""
    p99 = score.p99_s
    late = "" if p99 is None else f", p99 {plain(p99)} s"
    return (
        f"misses {percent(score.miss_share)}{late}, {plain(score.pod_hours, 4)} pod-hours, "
        f"{plain(score.changes)} changes"
    )


def recommendation(choice: Choice, service: Service, slo: Slo, seeds: int) -> list[str]:
    """The recommendation, what it costs, how sure it is; or what comes nearest."""
    lines: list[str] = []
    if choice.chosen is None:
        lines.append(
            f"Nothing in the search space meets {slo}. Nearest comes {choice.nearest.name}: "
            f"{outcome(choice.nearest.score)}."
        )
    else:
        one = choice.chosen
        if one.setting is None:
            raise ValueError("a recommendation is a setting")
        lines.append(f"Take {one.name}: {setting(one.setting, service)}.")
        lines.append(f"It meets {slo} with {outcome(one.score)} of the whole demand.")
        lines.append(_cheaper(choice, one, slo))
        lines.append(_dearer(choice, one))
    if choice.now is not None:
        met = "meets" if choice.now.score.meets(slo) else "does not meet"
        lines.append(
            f"The settings in force now: {outcome(choice.now.score)}; that {met} the objectives."
        )
    lines.append(_sureness(choice, seeds))
    return [line for line in lines if line]


def _cheaper(choice: Choice, chosen: Candidate, slo: Slo) -> str:
    cheaper = [c for c in choice.front if _hours(c) < _hours(chosen) and not c.score.meets(slo)]
    if not cheaper:
        return ""
    near = max(cheaper, key=_hours)
    saved = _hours(chosen) - _hours(near)
    return (
        f"The next cheaper on the front, {near.name}, would save {saved:.3g} pod-hours and miss "
        f"{percent(near.score.miss_share)}."
    )


def _dearer(choice: Choice, chosen: Candidate) -> str:
    """What a little more would buy: the cheapest that misses less than half as much."""
    misses = chosen.score.miss_share.mean
    dearer = [
        c
        for c in choice.front
        if _hours(c) > _hours(chosen) and c.score.miss_share.high < misses / 2
    ]
    if not dearer:
        return ""
    near = min(dearer, key=_hours)
    return (
        f"For {_hours(near) - _hours(chosen):.3g} pod-hours more, {near.name} would miss "
        f"{percent(near.score.miss_share)}."
    )


def _hours(candidate: Candidate) -> float:
    return candidate.score.pod_hours.mean


def _sureness(choice: Choice, seeds: int) -> str:
    base = f"± is half a 95 % interval over {seeds} seeds that the search did not see"
    if seeds < 2:
        return "One seed has no interval: run with more --seeds before you trust the last digit."
    if choice.chosen is None:
        return f"{base}."
    if choice.sure:
        return f"{base}; the objectives are met by its unfavourable end too."
    return f"{base}; the mean meets the objectives, its unfavourable end does not: not sure."


def at_own_speed(score: Score, slo: Slo, factor: float) -> str:
    """What the choice comes to without compression, whose error no interval over seeds knows."""
    met = "meets" if score.meets(slo) else "does not meet (try a smaller --time-factor)"
    count = len(score.runs)
    return (
        f"Not compressed ({factor:.3g} times), it has {outcome(score)} over {count} "
        f"seed{'s' if count > 1 else ''}; that {met} {slo}."
    )


def metric_name(metric: Metric) -> str:
    """For people."""
    return _METRICS[metric]
