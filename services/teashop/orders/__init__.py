"""Coupon budget, orders exactly once per key, payment, outbox to dispatch."""
