"""Where the shop runs: one interface, several platforms."""
