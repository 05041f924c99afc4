"""Accepted regions to sync events, and one writer a target; ``export.export`` does the whole job."""
