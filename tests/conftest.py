"""What every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# Tests change policies from outside, which a compiled copy of them would not notice.
os.environ["TEASTORM_PLAIN"] = "1"

pytest_plugins = ["tests.postgres"]

# On a busy machine an example may be slow without anything being wrong. Whoever works on the code
# draws new examples in each run; what decides over a change draws the same ones every time.
# The nightly run (TEASTORM_EXAMPLES) draws more than a change can wait for.
EXAMPLES = int(os.environ.get("TEASTORM_EXAMPLES", "40"))
settings.register_profile("work", deadline=None, max_examples=EXAMPLES)
settings.register_profile("gate", deadline=None, max_examples=EXAMPLES, derandomize=True)
settings.load_profile("gate" if os.environ.get("TEASTORM_NO_SKIP") == "1" else "work")
