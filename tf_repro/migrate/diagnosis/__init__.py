"""Causes of a difference, each tested by running the port with just that changed."""
