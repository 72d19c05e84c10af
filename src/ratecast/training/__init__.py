"""Training: creates models with their trainer, and runs experiments.

The import is cheap: torch and Lightning are loaded when the first net is trained.
"""

from ratecast.training.lazy_trainer import LazyTrainer, curves_of
from ratecast.training.model_factory import make_model

__all__ = ["LazyTrainer", "curves_of", "make_model"]
