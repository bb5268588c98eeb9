"""One metric source: the flight recorder and Prometheus."""
