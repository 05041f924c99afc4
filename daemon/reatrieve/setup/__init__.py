"""Putting ReaTrieve into REAPER, starting its daemon, and finding out why something does not work."""
