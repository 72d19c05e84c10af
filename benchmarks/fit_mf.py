"""How long 10 epochs of MF take on MovieLens 100K, and how near that is to the machine's limit.

Run: .venv/bin/python benchmarks/fit_mf.py
The start-up (imports, data, the trainer's first step) is left out, as it is in the 23.5 s that the
original project's pipeline needs for the same epochs on two cores. The limit is the time that the
same steps take in a bare PyTorch loop without a trainer, logs or metrics.
"""

import time
from statistics import median

import torch

from ratecast import data
from ratecast.modelling.nets.base import Examples, RatingNet, torch_threads
from ratecast.modelling.nets.net_model import TrainerSettings, TrainingTask
from ratecast.models.mf.model import MatrixFactorization
from ratecast.models.mf.net import FactorNet
from ratecast.splits import chronological
from ratecast.training.lightning_trainer import LightningTrainer

ORIGINAL_SECONDS = 23.5
EPOCHS, BATCH, RUNS = 10, 4096, 5


def prepared(factors: int = 64) -> tuple[FactorNet, TrainingTask]:
    """A fresh net and what it is to learn; the fit of one epoch gives the row numbers."""
    settings = TrainerSettings(epochs=EPOCHS, batch_size=BATCH)
    model = MatrixFactorization(factors=factors, trainer=settings)
    tasks: list[TrainingTask] = []

    def keep(net: RatingNet, task: TrainingTask) -> int:  # noqa: ARG001
        tasks.append(task)
        return task.settings.epochs

    model.train_net = keep
    split = chronological(data.load("ml-100k"))
    model.fit(split.train, split.valid)
    net = model.new_net(tasks[0].train)
    assert isinstance(net, FactorNet)
    return net, tasks[0]


def bare_loop(net: FactorNet, train: Examples) -> None:
    """The same steps, and nothing else."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005, fused=True)
    for _ in range(EPOCHS):
        order = train.take(torch.randperm(len(train)))
        for start in range(0, len(train), BATCH):
            batch = order.take(slice(start, start + BATCH))
            loss = (net(batch.users, batch.movies) - batch.stars).square().mean()
            optimizer.zero_grad(set_to_none=True)
            (loss + net.penalty() / len(train)).backward()
            optimizer.step()


def main() -> None:
    """Print the median of both, side by side in one run."""
    net, task = prepared()
    assert isinstance(task.train, Examples)
    ours, bare = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        LightningTrainer()(net, task)
        middle = time.perf_counter()
        with torch_threads(task.settings.threads):
            bare_loop(net.train(), task.train)
        ours.append(middle - start)
        bare.append(time.perf_counter() - middle)
    fit, limit = median(ours[1:]), median(bare[1:])
    print(f"{EPOCHS} epochs of MF, {len(task.train):,} ratings, batch {BATCH}, 64 factors")
    print(f"ratecast {fit:.2f} s; the original pipeline {ORIGINAL_SECONDS} s: ", end="")
    print(f"{ORIGINAL_SECONDS / fit:.0f} times as fast")
    print(f"bare PyTorch loop {limit:.2f} s: ratecast takes {fit / limit:.2f} times as long")


if __name__ == "__main__":
    main()
