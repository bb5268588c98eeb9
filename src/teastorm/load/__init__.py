"""Open-loop load, always in a subprocess of its own."""
