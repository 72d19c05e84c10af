"""Suggest a learning rate for each model with a net, by a range test."""

import sys

from ratecast.cli import main

if __name__ == "__main__":
    sys.exit(main(["lr-find", *sys.argv[1:]]))
