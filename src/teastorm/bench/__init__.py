"""`make bench`: what the door, the load, the autoscaler and the simulator cost, in one run."""
