"""The science: arrays and values in, values out; no files, sockets, clocks or environment."""
