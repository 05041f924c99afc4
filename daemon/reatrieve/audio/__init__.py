"""Sound files become the mono audio that retrievers search: track maps, decoding, stitching, and the analysis cache."""
