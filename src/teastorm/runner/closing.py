"""From a load that has ended (or a run cut short) to a run folder that is complete, and its verdict.

Each step is tried whatever became of the one before it, in an order that makes the shop whole
first and the record complete second. Nothing here may be cut short by a signal; every step is
bounded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyarrow import parquet

from teastorm.chaos.faults.surge import Surge
from teastorm.chaos.session import Session
from teastorm.load.draw import draw
from teastorm.load.errors import LoadError
from teastorm.observe.recorder import FlightRecorder
from teastorm.platforms.base import JsonObject
from teastorm.platforms.endpoints import read_endpoints
from teastorm.runner import judging
from teastorm.runner.capacity import Say
from teastorm.runner.ledger import Settled, ledger_of
from teastorm.runner.problems import INTERRUPTED, ROLLBACK_FAILED
from teastorm.runner.scale_lag import scaled_out
from teastorm.runner.scaling import ScalerThread
from teastorm.runner.settle import settle, unknown_outcomes
from teastorm.verdict.events import LEFT_BEHIND
from teastorm.verdict.result import Result
from teastorm.verdict.seal import write_seal

LAST_ANSWERS_S = 60.0
OUTBOX_S = 6.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to. `result` is None when there was nothing to judge; `trouble` says more."""

    exit_code: int
    run_dir: Path | None
    result: Result | None
    trouble: tuple[str, ...] = ()


def close_run(
    session: Session,
    recorder: FlightRecorder,
    journal: Mapping[str, object],
    say: Say,
    scaler: ScalerThread | None = None,
) -> Outcome:
    """Roll back, finish, write everything, tear down, judge."""
    closing = _Closing(session, recorder, say)
    if scaler is not None:
        closing.attempt("stopping the autoscaler", scaler.stop)
    whole = closing.attempt("rolling faults back", session.roll_back) is True
    interrupted = session.interruption.requested or journal.get("status") == "interrupted"
    closing.attempt("ending the load", lambda: closing.end_load(interrupted=interrupted))
    requests = session.folder.path / "requests.parquet"
    if not interrupted and requests.is_file():
        closing.attempt("comparing counts", lambda: confirm_surges(session, requests))
        closing.attempt("settling outcomes", lambda: closing.settle(requests))
    closing.attempt("reading the ledger", closing.audit)
    closing.attempt("writing metrics", closing.write_metrics)
    closing.attempt("tearing down", closing.tear_down)
    closing.attempt("writing events", closing.write_events)
    closing.attempt(
        "writing faults.json",
        lambda: session.folder.write("faults.json", session.fault_rows()),
    )
    closing.attempt(
        "writing journal.json", lambda: session.folder.write("journal.json", dict(journal))
    )
    closing.attempt("sealing the run folder", lambda: write_seal(session.folder.path))
    result = closing.attempt(
        "judging", lambda: judging.judge_folder(session.folder.path, closing.trouble.append)
    )
    code = result.exit_code if result else judging.CANNOT_JUDGE
    if interrupted:
        code = INTERRUPTED
    if not whole or closing.left_over:
        code = ROLLBACK_FAILED
    return Outcome(
        exit_code=code,
        run_dir=session.folder.path,
        result=result,
        trouble=(*session.trouble, *closing.trouble),
    )


class _Closing:
    """The steps, and what went wrong in them."""

    def __init__(self, session: Session, recorder: FlightRecorder, say: Say) -> None:
        self._session = session
        self._recorder = recorder
        self._say = say
        self._settled: list[Settled] = []
        self.trouble: list[str] = []
        self.left_over: list[str] = []

    def attempt[T](self, what: str, step: Callable[[], T]) -> T | None:
        """Run a step; its failure is noted and the next step follows."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - whatever fails, the closing goes on
            self.trouble.append(f"{what} failed: {error}")
            return None

    def end_load(self, *, interrupted: bool) -> None:
        """Let it finish, or end it when the run was cut short."""
        load = self._session.load
        if load is None:
            return
        over = not load.running() or self._session.site.now_s() >= self._session.windows[-1].end_s
        if interrupted or not over:
            load.stop()
            return
        try:
            load.finish(LAST_ANSWERS_S)
        except LoadError:
            load.stop()
            raise

    def settle(self, requests: Path) -> None:
        """Ask again for every checkout whose outcome its client never learnt."""
        unknown = unknown_outcomes(requests)
        if not unknown or self._session.plan is None:
            return
        self._say(f"settling {len(unknown)} checkouts whose outcome is unknown")
        wanted = {one.key for one in unknown}
        schedule = draw(self._session.plan, self._session.chosen.seed)
        bodies = {a.key: a.payload for a in schedule.arrivals if a.key in wanted}
        gateways = read_endpoints(self._session.platform.door_file, "gateway")
        self._settled = settle(unknown, bodies, gateways)

    def audit(self) -> None:
        """Read the books once the outbox is empty, or its time is up."""
        site = self._session.site
        until_s = site.now_s() + OUTBOX_S
        audits = self._session.platform.audit()
        while _pending(audits.get("orders", {})) and site.now_s() < until_s:
            site.pause(0.5)
            audits = self._session.platform.audit()
        books = ledger_of(audits, self._settled, t0_unix_s=self._session.t0_unix_s)
        self._session.folder.write("ledger.json", books)

    def write_metrics(self) -> None:
        """Stop recording."""
        self._recorder.stop()
        self._recorder.write(self._session.folder.path / "metrics.parquet")

    def tear_down(self) -> None:
        """End the shop; what is left is a failed roll-back."""
        left = self._session.platform.tear_down()
        if left:
            ports = (f"port {port}" for port in left.ports)
            self.left_over = [*left.processes, *left.files, *ports]
            self.trouble.append(
                f"left behind: {', '.join(self.left_over)}; `teastorm down` removes it"
            )

    def write_events(self) -> None:
        """events.json, with the phases of the load, and what the tear-down left behind."""
        site = self._session.site
        phases = [
            {"t_s": w.start_s, "kind": "phase", "name": w.name} for w in self._session.windows
        ]
        rows = [row for row in site.events() if row["kind"] != "phase"]
        behind = [
            {"t_s": site.now_s(), "kind": LEFT_BEHIND, "what": what} for what in self.left_over
        ]
        self._session.folder.write("events.json", [*rows, *scaled_out(rows), *phases, *behind])


def confirm_surges(session: Session, requests: Path) -> None:
    """A surge is proved only if the servers counted what the request log says was sent to them."""
    table = parquet.read_table(requests, columns=["class", "sent_s", "error", "attempt", "status"])
    chats = table["class"].to_numpy(zero_copy_only=False) == "chat"
    errors = table["error"].to_numpy(zero_copy_only=False)
    reached = chats & (table["attempt"].to_numpy() > 0) & (errors != "connection")
    silent = reached & (table["status"].to_numpy() == 0)
    sent_s = table["sent_s"].to_numpy()
    for episode in session.episodes:
        fault = episode.fault
        if not isinstance(fault, Surge) or not episode.record.proved:
            continue
        start_s, end_s = fault.window_s
        within = (sent_s >= start_s) & (sent_s < end_s)
        sent = float(np.count_nonzero(reached & within))
        episode.record.evidence += f"; {sent:.0f} were sent"
        if not fault.agrees(sent, float(np.count_nonzero(silent & within))):
            episode.record.proved = False
            episode.record.evidence += ", more than 2 % apart"


def _pending(orders: JsonObject) -> bool:
    outbox = orders.get("outbox")
    return isinstance(outbox, Mapping) and bool(outbox.get("pending"))
