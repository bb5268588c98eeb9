"""The base of every refusal: a reason that goes on the wire and a time to come back.

A policy that says no raises a subclass of `Refusal`; the gateway turns it into 429 (`quota`) or
503 (everything else) with `X-Refusal: <reason>` and a Retry-After.
"""

from typing import ClassVar


class Refusal(Exception):
    """A policy refused a piece of work.

    Attributes:
        reason: the word for `X-Refusal`, one per policy.
        retry_after_s: the earliest time, in seconds from now, at which asking again makes sense.
    """

    reason: ClassVar[str] = "refused"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
