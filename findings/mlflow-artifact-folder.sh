#!/usr/bin/env bash
# MLflow: with a database for its store, figures go to the database and files to another folder, which
# is fixed when the experiment is created: mlruns below the working folder of that moment.
# Guess: files of a run are beside the database that was named, or in the folder of the run's process.
# Seen: the database is in folder store. The first run is started in folder first, the second in folder
#   second. The files of both are in first/mlruns, and neither store nor second has any.
# Source: https://github.com/mlflow/mlflow/blob/master/mlflow/store/tracking/sqlalchemy_store.py
#   (the artifact URI of an experiment is stored when it is created)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet mlflow==3.17.0
mkdir "$folder/store" "$folder/first" "$folder/second"
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'END'
import logging
import os
from importlib.metadata import version
from pathlib import Path

from mlflow.tracking import MlflowClient

logging.disable(logging.INFO)
print("mlflow", version("mlflow"))
home = Path.cwd()
for name in ("first", "second"):
    os.chdir(home / name)
    client = MlflowClient(f"sqlite:///{home}/store/mlflow.db")
    known = client.get_experiment_by_name("ratings")
    number = known.experiment_id if known else client.create_experiment("ratings")
    run = client.create_run(number)
    client.log_text(run.info.run_id, "1.0", f"{name}.txt")
print("guess: the files are in store, or in first and second")
folders = {name: sorted(path.name for path in (home / name).rglob("*.txt")) for name in ("store", "first", "second")}
print(f"seen: {folders}")
assert (home / "store" / "mlflow.db").exists()
assert folders == {"store": [], "first": ["first.txt", "second.txt"], "second": []}
END
