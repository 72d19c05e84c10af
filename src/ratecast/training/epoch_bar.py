"""A progress bar of a net's training: epochs, newest RMSE, time left."""

from contextlib import AbstractContextManager, nullcontext

from lightning import Callback, LightningModule, Trainer

from ratecast.progress import Bar, bar
from ratecast.training.best_epoch import WATCHED
from ratecast.training.module import NetModule


class EpochBar(Callback):
    """One step of the bar for each epoch; early stopping may end it early."""

    _context: AbstractContextManager[Bar | None] = nullcontext()
    _bar: Bar | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar; a resumed run starts at its epoch."""
        self._context = bar("training", trainer.max_epochs, unit="epochs")
        self._bar = self._context.__enter__()
        self._bar.advance(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Advance, and show the validation RMSE."""
        assert isinstance(pl_module, NetModule)
        assert self._bar is not None
        rmse = pl_module.figures.get(WATCHED)
        self._bar.advance()
        self._bar.change(label="training" if rmse is None else f"training, valid RMSE {rmse:.4f}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the bar."""
        self._context.__exit__(None, None, None)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close the bar."""
        self._context.__exit__(None, None, None)
