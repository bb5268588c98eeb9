"""The testbed: platforms, chaos, load, verdict, report."""
