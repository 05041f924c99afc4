"""Data sets, the simulated user, and the paper's experiments."""
