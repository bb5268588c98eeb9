"""A pure port of the HPA v2 algorithm."""
