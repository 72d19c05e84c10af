"""The result of one check of the setup."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check. ok: None for information that cannot fail. next_step: what to do about it."""

    group: str
    name: str
    value: str
    ok: bool | None = None
    next_step: str = ""
