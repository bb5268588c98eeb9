"""What can go wrong with load: one sentence each, typed so that the runner picks its exit code."""

from __future__ import annotations


class LoadError(Exception):
    """Base of every error this package raises on purpose; its text is one sentence."""


class PlanInvalid(LoadError, ValueError):
    """A plan, a curve or a setting says something impossible (usage)."""


class LoadDidNotStart(LoadError):
    """The generator's process ended, or stayed silent, before its first request."""


class LoadFailed(LoadError):
    """The generator's process broke, or left no request log."""


class LoadTimedOut(LoadError):
    """The generator did not end within the time given."""


class CapacityVoid(LoadError):
    """Measured and theoretical capacity are too far apart, or no rate was good enough."""
