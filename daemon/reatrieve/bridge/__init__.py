"""Messages between REAPER and the daemon: OSC bytes over two carriers."""
