"""`python -m ratecast.cli`."""

import sys

from ratecast.cli.verbs import main

sys.exit(main())
