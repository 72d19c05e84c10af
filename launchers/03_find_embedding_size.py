"""Compare embedding sizes 64, 128 and 256 of MF with biases."""

import sys

from ratecast.cli import main

if __name__ == "__main__":
    sys.exit(main(["sweep", *sys.argv[1:]]))
