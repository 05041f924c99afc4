"""The whole loop on its real parts: shipped scripts on the headless host, a daemon process, a user who answers."""
