"""Settings for every test: on a busy machine an example may be slow without anything being wrong."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("teastorm", deadline=None)
settings.load_profile("teastorm")
