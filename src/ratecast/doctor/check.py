"""What one look at the machine says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """ok: None where it is only told, and nothing depends on it. next_step: what to do about it."""

    group: str
    name: str
    value: str
    ok: bool | None = None
    next_step: str = ""
