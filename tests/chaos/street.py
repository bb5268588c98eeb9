"""A small model of two services and the way between them, counted at both ends as the real ones do."""

from teastorm.chaos.passages import Passage, Sent

RATE = 20.0
USUAL_S = 0.1


class Street:
    """orders calls dispatch `rate` times a second; its attributes say what a fault does not reach."""

    def __init__(self, site, rate: float = RATE) -> None:
        self.site = site
        self.rate = rate
        self.feels = True
        self.visible = True
        self.says_faults = True
        self.callees_own_errors = False
        self.leaks = False
        self.sees_names: set[str] = set()
        self.at_s = 0.0
        self.counts: dict[str, dict[str, float]] = {}
        self.names: dict[str, dict[str, float]] = {}
        self.seconds: dict[str, float] = {}
        self.arrived = 0.0

    def look(self) -> Passage | None:
        platform, now_s = self.site.platform, self.site.now_s()
        callers = {}
        for caller in [r.replica_id for r in platform.replicas("orders")]:
            self.pass_on(caller, now_s - self.at_s)
            counts = self.counts[caller]
            callers[caller] = Sent(
                attempts=dict(counts),
                seconds=self.seconds[caller],
                timed=counts.get("ok", 0.0) + counts.get("error", 0.0),
                lookups=dict(self.names[caller]),
                faults=float(len(platform.faults(caller))) if self.says_faults else 0.0,
            )
        self.at_s = now_s
        return (
            Passage(callers=callers, arrived={"dispatch-1": self.arrived}) if self.visible else None
        )

    def pass_on(self, caller: str, seconds: float) -> None:
        found = self.site.platform.faults(caller) if self.feels else []
        fault = found[0] if found else None
        kind = None if fault is None else fault.kind
        outcome = {"errors": "error", "partition": "deadline", "refuse": "connect"}.get(kind, "ok")
        if self.callees_own_errors and self.site.platform.faults(caller):
            outcome = "error"
        made = self.rate * seconds
        counts = self.counts.setdefault(caller, {})
        counts[outcome] = counts.get(outcome, 0.0) + made
        late_s = fault.latency_s if kind == "latency" else 0.0
        spent_s = made * (USUAL_S + late_s) if outcome in {"ok", "error"} else 0.0
        self.seconds[caller] = self.seconds.get(caller, 0.0) + spent_s
        if outcome == "ok" or self.callees_own_errors or self.leaks:
            self.arrived += made
        word = "ok"
        if kind == "dns" and caller not in self.sees_names:
            word = "failed" if fault.answer == "fails" else "none"
        names = self.names.setdefault(caller, {})
        names[word] = names.get(word, 0.0) + seconds
