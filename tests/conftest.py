"""What every test shares."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.postgres"]

# On a busy machine an example may be slow without anything being wrong.
settings.register_profile("teastorm", deadline=None)
settings.load_profile("teastorm")
