"""What the simulator refuses, each in one sentence."""

from __future__ import annotations


class ScenarioInvalid(ValueError):
    """A scenario that cannot be meant; the sentence names the field and the fix."""
