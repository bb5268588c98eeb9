"""Overload-control policies: pure, no I/O, no clock, no global randomness."""
