"""Burns CPU in proportion to the running batch, so that CPU-based autoscaling sees something true.

The debt is `burn_share · ∫running dt / max_num_seqs`, paid in slices of at most a millisecond in
the event loop's own thread: a helper thread would fight for the interpreter's lock and delay the
loop by its switch interval (5 ms) each time.
"""

from __future__ import annotations

from collections.abc import Callable

_SLICE_S = 0.001
_LONGEST_NAP_S = 0.1
_MAX_DEBT_S = 0.05
"""A process that was stalled does not try to catch up with more than this."""


class Burner:
    """The debt of CPU and its payment. Belongs to one event loop.

    Args:
        cpu_s: CPU seconds used so far; `time.thread_time` outside tests.
    """

    def __init__(self, *, burn_share: float, max_num_seqs: int, cpu_s: Callable[[], float]) -> None:
        self._cores_per_sequence = burn_share / max_num_seqs
        self._cpu_s = cpu_s
        self._charged = 0.0
        self._debt_s = 0.0
        self.burned_s = 0.0

    def charge(self, slot_seconds: float) -> None:
        """Owe for the sequence-seconds since the last charge (`slot_seconds` is cumulative)."""
        self._debt_s += (slot_seconds - self._charged) * self._cores_per_sequence
        self._charged = slot_seconds
        self._debt_s = min(self._debt_s, _MAX_DEBT_S)

    def pay_slice(self) -> None:
        """Burn what is owed, at most one slice; nothing below half a slice."""
        if self._debt_s < _SLICE_S / 2:
            return
        begun_s = self._cpu_s()
        target_s = min(self._debt_s, _SLICE_S)
        spent_s = 0.0
        while spent_s < target_s:
            _some_work()
            spent_s = self._cpu_s() - begun_s
        self._debt_s -= spent_s
        self.burned_s += spent_s

    def nap_s(self, running: int) -> float:
        """How long until about a slice is owed while `running` sequences run."""
        rate = running * self._cores_per_sequence
        if rate <= 0:
            return _LONGEST_NAP_S
        return min(_LONGEST_NAP_S, max(_SLICE_S, (_SLICE_S - self._debt_s) / rate))


def _some_work() -> int:
    """About ten microseconds of arithmetic."""
    return sum(range(400))
