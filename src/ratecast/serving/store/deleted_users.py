"""Users who were deleted. A digest of the id stands for each, so that the id is not kept.

It has to be known again for three ends: a model that was trained before loses the user when it is
loaded, a refit leaves out the user's rows of the table, and a number is not given twice. The key of
the digests is in the store, since they are of no use without it: a store that is restored without
a file beside it must not bring the users back. Whoever reads the store can check an id that he
knows or guesses, and learn no more than that.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field


def digest_of_user(key: str, user: str) -> str:
    """HMAC-SHA256 (RFC 2104) of an id, as hexadecimal digits. key: of the store."""
    return hmac.new(key.encode(), user.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class DeletedUsers:
    """The deleted users of a store. seqs: digest to sequence number of the deletion."""

    key: str = ""
    seqs: dict[str, int] = field(default_factory=dict)

    def __contains__(self, user: object) -> bool:
        return bool(self.seqs) and self.digest(str(user)) in self.seqs

    def digest(self, user: str) -> str:
        """Of this id."""
        return digest_of_user(self.key, user)

    def among(self, users: Iterable[str], after: int = 0) -> list[str]:
        """Those of `users`, ids as text, who were deleted with a sequence number above `after`."""
        seqs = {digest: seq for digest, seq in self.seqs.items() if seq > after}
        # A digest takes a microsecond, and a model may have many users.
        return [user for user in users if self.digest(user) in seqs] if seqs else []
