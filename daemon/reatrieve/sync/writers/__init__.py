"""One writer a target: a sheet of sync events in, bytes out."""
