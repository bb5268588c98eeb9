"""The engine held to queueing theory: formulas, queues made of the shop's own parts, cases."""
