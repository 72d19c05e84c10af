"""The parts of `attention`, which learns in context."""
