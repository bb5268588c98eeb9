"""What merchants and couriers are told: the entries of the notice feed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

AUDIENCES = ("merchant", "courier")
KINDS = ("crowd", "withdrawn", "paused", "resumed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One entry of the feed.

    Attributes:
        id: its place in the feed; 0 before it is stored.
        t_unix_s: when it went out.
        kind: crowd (demand will pass the shop's capacity), withdrawn (it will not after all),
            paused or resumed (the shop's door).
        audience: merchant or courier.
        rate_drinks_per_h: the demand measured, in shop time.
        queue: drinks waiting to be made.
        capacity_drinks_per_h: what the shop makes, in shop time.
        eta_s: seconds of the run's clock until it comes true (the queue passes capacity; a paused
            shop resumes); None where nothing is expected.
        expected_at: the same moment in Unix seconds.
    """

    t_unix_s: float
    kind: str
    audience: str
    shop: str
    rate_drinks_per_h: float
    queue: float
    capacity_drinks_per_h: float
    eta_s: float | None = None
    expected_at: float | None = None
    id: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.audience not in AUDIENCES:
            raise ValueError(
                f"audience must be one of {', '.join(AUDIENCES)}, got {self.audience!r}"
            )


def to_everybody(notice: Notice) -> list[Notice]:
    """The same notice for merchants and for couriers."""
    return [replace(notice, audience=audience) for audience in AUDIENCES]
