"""A small milk-tea shop in four services: the system under test."""
