"""Whether a fitted model learned from the train part of a split."""

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.splits import Split


def require_own_train(model: Model, split: Split, where: str, remedy: str) -> None:
    """Refuse a model that learned from other rows than the train part of the split.

    where, remedy: what is refused, and what to do, for the message.
    """
    if model.learned_from != split.train.fingerprint():
        raise InputError(
            f"{where}: was not fitted on exactly the train part of split {split.name}, so its "
            f"scores would not be comparable; {remedy}"
        )
