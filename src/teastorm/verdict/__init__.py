"""From a run folder to a verdict."""
