"""`python -m ratecast.cli`."""

import sys

from ratecast.cli import main

sys.exit(main())
