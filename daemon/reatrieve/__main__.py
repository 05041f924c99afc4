"""``python -m reatrieve`` is the command ``reatrieve``; Ctrl+C is heard from here on, before anything is imported."""

import sys


def run() -> int:
    """Run one command and return its exit status."""
    try:
        from reatrieve.cli import main
        from reatrieve.cli.quiet import quiet_libraries

        if sys.argv[1:2] != ["serve"]:  # nobody reads its terminal, and a service's log should hold all
            quiet_libraries()
        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
