"""The command line: each verb calls the room that does the work."""

from ratecast.cli.verbs import GROUPS, VERBS, main

__all__ = ["GROUPS", "VERBS", "main"]
