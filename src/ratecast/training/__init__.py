"""Training: makes models that can be fitted, and runs typed experiments.

Importing this package is cheap: torch and Lightning are loaded when a net is to be trained.
"""

from ratecast.training.lazy_trainer import LazyTrainer, curves_of
from ratecast.training.model_factory import make_model

__all__ = ["LazyTrainer", "curves_of", "make_model"]
