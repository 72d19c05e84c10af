"""The command line."""

from ratecast.cli.verbs import GROUPS, VERBS, main

__all__ = ["GROUPS", "VERBS", "main"]
