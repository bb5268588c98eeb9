"""The numbers of a waiting line."""

from dataclasses import dataclass

from teashop.resilience.checks import above, at_least


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueConfig:
    """Settings of a `queue.PriorityCodelQueue`.

    Attributes:
        capacity: items it holds at most; 0 makes every push a refusal.
        target_s: a standing wait that is still acceptable.
        interval_s: the wait must stand for so long before anything is dropped for it.
        codel: drop items older than twice the target while the wait stands.
        adaptive_lifo: serve the newest first while the wait stands.
        priorities: serve and keep by criticality; off, it is one line for all.
    """

    capacity: int = 64
    target_s: float = 0.1
    interval_s: float = 0.5
    codel: bool = True
    adaptive_lifo: bool = False
    priorities: bool = True

    def __post_init__(self) -> None:
        at_least(self, "capacity", self.capacity, 0)
        above(self, "target_s", self.target_s, 0.0)
        at_least(self, "interval_s", self.interval_s, self.target_s)
