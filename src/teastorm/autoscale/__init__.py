"""A pure port of the HPA v2 algorithm of Kubernetes 1.34; time and metrics are passed in."""
