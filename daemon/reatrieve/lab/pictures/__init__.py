"""The pictures of the scripts' window, and of REAPER with it, for the guide: drawn by the headless host."""
