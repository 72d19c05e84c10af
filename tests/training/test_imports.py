import subprocess
import sys


def test_importing_the_room_loads_neither_torch_nor_lightning() -> None:
    code = "import sys, ratecast.training; print(sorted({'torch', 'lightning'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"
