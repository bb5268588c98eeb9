"""tune.html: one file, no scripts, opens offline, in the style of a run's report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teastorm.report.chart import Chart, Layer
from teastorm.report.html import drawing, page
from teastorm.tune import words
from teastorm.tune.choose import Candidate
from teastorm.tune.curve import stepped
from teastorm.tune.demand import rates_at
from teastorm.tune.scatter import Dot, draw
from teastorm.tune.session import Session
from teastorm.tune.setting import crowd_of
from teastorm.tune.study import Tried
from teastorm.verdict.window import Window

POINTS = 400


def render(session: Session) -> str:
    """The page."""
    choice, slo = session.choice, session.slo
    shown = [*choice.front, *([choice.now] if choice.now else [])]
    best = choice.chosen or choice.nearest
    curves = [(best, f"{best.name} on the day")]
    if choice.now is not None:
        curves.append((choice.now, "The settings in force now, on the day"))
    return page(
        "tune.html.j2",
        demand=session.service.scenario.demand.name,
        source=session.service.source,
        slo=str(slo),
        tone="bad" if choice.chosen is None else ("good" if choice.sure else "unsure"),
        headline="Nothing meets the objectives" if choice.chosen is None else f"Take {best.name}",
        sentences=session.sentences,
        scatter=drawing(
            draw(
                _dots(session.tried, shown, choice.chosen),
                limit_percent=None if slo.good is None else 100 * (1 - slo.good),
            )
        ),
        rows=[_row(one, session, one is choice.chosen) for one in shown],
        curves=[(title, drawing(_curve(one, session)), _note(session)) for one, title in curves],
        assumed=session.assumed,
        manifest=session.manifest,
    )


def _dots(
    tried: Sequence[Tried], shown: Sequence[Candidate], chosen: Candidate | None
) -> list[Dot]:
    dots = [
        Dot(pod_hours=one.score.pod_hours.mean, miss_percent=100 * one.score.miss_share.mean)
        for one in tried
    ]
    for one in shown:
        kind = "chosen" if one is chosen else ("front" if one.setting else "now")
        dots.append(
            Dot(
                pod_hours=one.score.pod_hours.mean,
                miss_percent=100 * one.score.miss_share.mean,
                kind=kind,
                name=one.name,
                half_hours=one.score.pod_hours.half_width or 0.0,
                half_percent=100 * (one.score.miss_share.half_width or 0.0),
            )
        )
    return dots


def _row(one: Candidate, session: Session, chosen: bool) -> dict[str, object]:
    p99 = one.score.p99_s
    described = session.now_words
    if one.setting is not None:
        described = words.setting(one.setting, session.service)
    return {
        "name": one.name,
        "chosen": chosen,
        "met": one.score.meets(session.slo),
        "misses": words.percent(one.score.miss_share),
        "p99": "-" if p99 is None else words.plain(p99),
        "pod_hours": words.plain(one.score.pod_hours, 4),
        "changes": words.plain(one.score.changes),
        "words": described,
    }


def _curve(one: Candidate, session: Session) -> str:
    """Replicas needed for the demand, wanted and ready, of the first seed."""
    service = session.service
    demand = service.scenario.demand
    at_s = np.linspace(0.0, demand.seconds, POINTS)
    needed = rates_at(demand, at_s) / service.replica_rps
    run = one.score.runs[0]
    wanted = stepped([(t, float(w)) for t, w, _ in run.curve], at_s)
    ready = stepped([(t, float(r)) for t, _, r in run.curve], at_s)
    fewest = min(w for _, w, _ in run.curve)
    crowd = crowd_of(demand, service.replica_rps * max(1, fewest)) or (0.0, 0.0)
    return Chart(
        title="Replicas",
        unit="replicas",
        t_s=at_s,
        window=Window(start_s=crowd[0], end_s=crowd[1]),
        lines=(
            Layer(name="needed", values=needed, colour="grey", style="dashed"),
            Layer(name="wanted", values=wanted, colour="orange", style="step"),
            Layer(name="ready", values=ready, colour="blue", style="step"),
        ),
        fault_name="more than the fewest replicas can serve",
    ).draw()


def _note(session: Session) -> str:
    return (
        "Needed: the demand over what one replica can serve. Seed "
        f"{session.choice.nearest.score.runs[0].seed}; the demand's own time."
    )
