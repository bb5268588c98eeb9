"""Dispatch: shops, couriers, promises, backpressure and the notice feed."""
