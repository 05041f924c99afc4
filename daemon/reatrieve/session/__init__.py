"""A search as a fold over its events: spans, state, stopping rules, and what every retriever is."""
