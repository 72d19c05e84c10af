import subprocess
import sys
from pathlib import Path

ROOM = "import sys, ratecast.training, ratecast.training.train"
# Lightning takes seconds to import; only a net that is trained by epochs needs it.
RUN = """
import sys
from pathlib import Path
from ratecast.training import make_model
from ratecast.training.experiment import Experiment
from ratecast.training.train import train
from tests.training.tables import few

for model in make_model("als"), make_model("mf_bias", solver="kernel"):
    run = train(Experiment.of(model, out=Path(sys.argv[1])), few())
    assert list(run.folder.glob("events.*"))
"""


def heavy(code: str, *words: str) -> list[str]:
    """Which of the heavy packages are loaded after `code`."""
    told = f"{code}\nprint(*sorted({{'torch', 'lightning'}} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", told, *words], capture_output=True, check=True, text=True
    )
    return found.stdout.split()


def test_importing_the_room_loads_neither_torch_nor_lightning() -> None:
    assert heavy(ROOM) == []


def test_a_run_that_trains_no_net_leaves_its_events_without_lightning(tmp_path: Path) -> None:
    assert heavy(RUN, str(tmp_path)) == ["torch"]
