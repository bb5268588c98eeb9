"""A wall between dependencies: a slow one may use its own compartment up, not the ship.

Nygard, "Release It!" (2nd ed. 2018), ch. 5: a fixed number of calls per dependency, so that calls
stuck on one leave room for the others.
"""

from types import TracebackType
from typing import ClassVar, Self

from teashop.resilience.refusal import Refusal


class BulkheadFull(Refusal):
    """As many calls to this dependency are under way as its compartment holds."""

    reason: ClassVar[str] = "limit"


class Bulkhead:
    """A counting gate: `with bulkhead:` around the call; not thread-safe."""

    __slots__ = ("_n", "inside")

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"Bulkhead.n must be at least 1, got {n}.")
        self._n = n
        self.inside = 0

    @property
    def free(self) -> int:
        """Places left."""
        return self._n - self.inside

    def enter(self) -> None:
        """Take a place; pair it with `leave`.

        Raises:
            BulkheadFull: there is none.
        """
        if self.inside >= self._n:
            raise BulkheadFull(f"{self.inside} calls are under way, as many as this one may have.")
        self.inside += 1

    def leave(self) -> None:
        """Give a place back.

        Raises:
            RuntimeError: nobody is inside.
        """
        if self.inside == 0:
            raise RuntimeError("Bulkhead.leave was called more often than enter.")
        self.inside -= 1

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()
