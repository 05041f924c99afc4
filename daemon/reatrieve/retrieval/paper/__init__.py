"""The paper's system, kept faithful."""
