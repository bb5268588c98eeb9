"""The overload policies of the shop: pure, without I/O, clock or global randomness.

Each module holds one policy: a frozen configuration, a small state, pure steps. Time comes in as
`now_s` and chance as a `random.Random`, so the pods and the simulator run the very same objects.
A policy that refuses raises a subclass of `refusal.Refusal`. Import from the modules; this package
re-exports nothing, so that a reader sees which policy a file uses.
"""
