"""The shares of train, valid and test in a table."""

from typing import NamedTuple

from ratecast.errors import InputError
from ratecast.splits.numbers import check_share

TRAIN_SHARE = 0.8


class Shares(NamedTuple):
    """Shares of the rows: of train and valid together, and of train in these two."""

    known: float = TRAIN_SHARE
    train: float = TRAIN_SHARE

    @classmethod
    def of(cls, share: float, shares: str | None, where: str) -> "Shares":
        """From one share for both; or from three, such as 70/10/20, of which valid may be 0."""
        if shares is None:
            check_share(where, share)
            return cls(share, share)
        try:
            train, valid, test = (float(each) for each in shares.split("/"))
        except (ValueError, AttributeError):
            raise InputError(
                f"{where}: shares {shares!r}; give three, as in shares=70/10/20"
            ) from None
        whole = train + valid + test
        if not (train > 0 and valid >= 0 and test > 0 and round(whole, 9) in (1, 100)):
            raise InputError(
                f"{where}: shares {shares} of train, valid and test; give three that sum to "
                "100, as in shares=70/10/20, of which only valid may be 0"
            )
        return cls((train + valid) / whole, train / (train + valid))

    @property
    def has_valid(self) -> bool:
        """Whether there is a valid part."""
        return self.train < 1
