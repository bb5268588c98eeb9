"""Shops, couriers, promises, pause, backpressure and the notice feed."""
