"""Overfit one batch of 12 ratings: a net that cannot has a fault."""

import sys

from ratecast.cli import main

if __name__ == "__main__":
    sys.exit(main(["overfit", *sys.argv[1:]]))
