"""``python -m reatrieve.lab.learning``: make the bank, train, measure."""

import sys

from reatrieve.lab.learning.command import main

sys.exit(main())
