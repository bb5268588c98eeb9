"""The Chaos Toolkit extension: actions, probes, controls."""
