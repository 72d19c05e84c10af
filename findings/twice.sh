#!/usr/bin/env bash
# One user rates one movie twice, 5 stars and then 1. Four libraries read the same two rows, and keep
# four different things; only one of them says so.
# Guess: the libraries of one field treat the same table alike, or refuse it.
# Seen: Surprise keeps both ratings, Cornac the first (with a warning), LibRecommender the last, and
#   a scipy matrix, which implicit and others take, their sum: 6 stars of 5.
# Source: https://github.com/NicolasHug/Surprise/blob/master/surprise/dataset.py,
#   https://github.com/PreferredAI/cornac/blob/master/cornac/data/dataset.py,
#   https://github.com/massquantity/LibRecommender/blob/master/libreco/data/dataset.py,
#   https://docs.scipy.org/doc/scipy/reference/generated/scipy.sparse.coo_matrix.html
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scikit-surprise==1.1.5 cornac==3.0.1 \
  LibRecommender==1.5.2 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'END'
import warnings
from importlib.metadata import version

import pandas as pd
from cornac.data import Dataset as CornacDataset
from libreco.data import DatasetPure
from scipy.sparse import coo_matrix
from surprise import Dataset as SurpriseDataset
from surprise import Reader

for name in ("scikit-surprise", "cornac", "LibRecommender", "scipy", "numpy", "pandas"):
    print(name, version(name))
rows = pd.DataFrame({"user": [0, 0, 1], "item": [0, 0, 1], "label": [5.0, 1.0, 3.0]})
warnings.simplefilter("ignore")

surprise = SurpriseDataset.load_from_df(rows, Reader(rating_scale=(1, 5))).build_full_trainset()
cornac = CornacDataset.build(list(rows.itertuples(index=False, name=None)))
libreco, _ = DatasetPure.build_trainset(rows)
scipy = coo_matrix((rows["label"], (rows["user"], rows["item"]))).tocsr()

seen = {
    "Surprise": [stars for _, stars in surprise.ur[0]],
    "Cornac": cornac.csr_matrix[0].data.tolist(),
    "LibRecommender": libreco.sparse_interaction[0].data.tolist(),
    "scipy": scipy[0].data.tolist(),
}
print("guess: the same from each")
print("seen:", seen)
assert seen == {"Surprise": [5, 1], "Cornac": [5], "LibRecommender": [1], "scipy": [6]}
END
