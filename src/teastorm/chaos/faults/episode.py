"""One fault run from its beginning to its proven end, whatever interrupts it on the way."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from teastorm.chaos.faults.base import Fault, FaultRecord, Proof, Site

END_TIMEOUT_S = 10.0
POLL_S = 0.25


class RollbackFailedError(Exception):
    """A fault could not be ended, or the shop did not heal in time: it may still be faulty."""


class Episode:
    """One fault from its beginning to its proven end, as a context.

    Leaving the context ends the fault, waits (bounded) until it is healed, takes the proof and
    fills the record; signals wait until that is done. `roll_back` may be called from another
    thread at any time and ends the fault at most once.
    """

    def __init__(
        self,
        fault: Fault,
        site: Site,
        fault_id: str,
        *,
        end_timeout_s: float = END_TIMEOUT_S,
        heal_timeout_s: float | None = None,
    ) -> None:
        self.record = FaultRecord(
            id=fault_id, kind=fault.kind, service=fault.service, planned=fault.planned()
        )
        self.fault = fault
        self._site = site
        self._end_timeout_s = end_timeout_s
        self._heal_timeout_s = fault.heals_within_s if heal_timeout_s is None else heal_timeout_s
        self._once = threading.RLock()
        self._over = False
        self._cut_short = threading.Event()

    def __enter__(self) -> Self:
        with self._site.shielded():
            self.record.before = self._site.identities(self.fault.service)
            self.record.began_s = self._site.now_s()
            self.record.evidence = "it began and nothing was seen of it"
            self._site.note("fault_begun", fault=self.record.id, service=self.fault.service)
            try:
                self.fault.begin(self._site)
            except BaseException:
                # Half a fault is a fault: what was done is undone before the error goes up.
                self.roll_back()
                raise
        return self

    def hold(self, seconds: float) -> bool:
        """Observe for `seconds`, or until it is over; False when an interruption cut it short."""
        until_s = self._site.now_s() + seconds
        while True:
            if not self._over:
                self.fault.observe(self._site)
                if self.fault.over(self._site):
                    return True
            left_s = until_s - self._site.now_s()
            if left_s <= 0:
                return True
            if self._cut_short.is_set() or self._site.wait(min(POLL_S, left_s)):
                return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with self._site.shielded():
            healed = self.roll_back()
        if not healed and error is None:
            raise RollbackFailedError(
                f"{self.record.id}: {self.fault.service} was not whole again "
                f"{self._heal_timeout_s:g} s after the fault was ended"
            )

    def roll_back(self) -> bool:
        """End the fault, wait until it is healed, take the proof. True when it is over."""
        with self._once:
            if self._over:
                return self.record.rolled_back
            self._over = True
            self._cut_short.set()
            ended = self._bounded(self._end)
            self.record.ended_s = self.fault.ended_s(self.record.began_s or 0.0, self._site.now_s())
            self._site.note("fault_ended", fault=self.record.id, service=self.fault.service)
            self.record.rolled_back = ended and self._await_healed()
            self._take_proof()
            return self.record.rolled_back

    def _await_healed(self) -> bool:
        deadline_s = self._site.now_s() + self._heal_timeout_s
        while True:
            if self._bounded(self._heal_once) and self.record.healed_s is not None:
                return True
            if self._site.now_s() >= deadline_s:
                return False
            self._site.pause(POLL_S)

    def _end(self) -> None:
        self.fault.end(self._site)

    def _heal_once(self) -> None:
        if self.fault.healed(self._site):
            self.record.healed_s = self._site.now_s()

    def _take_proof(self) -> None:
        try:
            self.record.after = self._site.identities(self.fault.service)
            proof = self.fault.proof(self._site)
        except Exception as error:  # noqa: BLE001 - a proof that cannot be taken is no proof
            proof = Proof(proved=False, evidence=f"the proof could not be taken: {error}")
        self.record.proved = proof.proved
        self.record.evidence = proof.evidence

    def _bounded(self, step: Callable[[], None]) -> bool:
        """Run a step that might hang in a thread of its own; True when it finished cleanly."""
        failures: list[BaseException] = []

        def run() -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - whatever fails, the exit goes on
                failures.append(error)

        thread = threading.Thread(target=run, name=f"end-{self.record.id}", daemon=True)
        thread.start()
        thread.join(self._end_timeout_s)
        return not thread.is_alive() and not failures
