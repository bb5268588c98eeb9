"""A run from the experiment's file to its verdict, and the demo that compares two of them."""
