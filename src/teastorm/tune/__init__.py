"""Chooses an autoscaler's settings for a demand, by simulation, and says how sure it is."""
