"""``python -m reatrieve`` is the command ``reatrieve``."""

import sys

from reatrieve.cli import main

sys.exit(main())
