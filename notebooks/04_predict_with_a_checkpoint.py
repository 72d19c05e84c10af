# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Predict with a checkpoint
#
# A fitted model on disk is a folder: a manifest, arrays and tables, no pickle. It predicts without
# the training data, gives the uncertainty of each forecast, and is updated with new ratings. Here
# one is trained, loaded as a service would load it, used for a known and a new user, updated with
# ratings, and evaluated.

# %%
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from ratecast import splits
from ratecast.data import load
from ratecast.evaluation.comparison import by_history_length, by_movie, comparisons, reliability
from ratecast.evaluation.protocol import run
from ratecast.modelling.contract.forecast import Basis
from ratecast.models import load_model
from ratecast.plots import predictions, scores
from ratecast.plots.canvas import pens
from ratecast.queries.similar import MovieVectors
from ratecast.queries.title_lookup import movie_id
from ratecast.ratings import Ratings, Requests
from ratecast.training.experiment import read_experiment
from ratecast.training.train import train

SHORT = bool(os.environ.get("RATECAST_SHORT"))
MODEL = "als" if SHORT else "state_space"
pl.Config.set_fmt_str_lengths(60).set_tbl_rows(20).set_float_precision(3)
pl.Config.set_tbl_hide_dataframe_shape(True)

home = Path(tempfile.mkdtemp())
split = splits.chronological(load("ml-100k"))
trained = train(read_experiment(f"../configs/{MODEL}.yaml", ["--out", str(home)]), split)
pl.DataFrame(
    [
        {"file": path.name, "kilobytes": path.stat().st_size / 1000}
        for path in sorted(trained.artifact.iterdir())
    ]
)

# %% [markdown]
# The same from a terminal: `ratecast train state_space`, then `ratecast predict --artifact ...
# --user 196 --movie "Kolya (1996)"`.

# %% [markdown]
# ## A known user, and a new one
#
# The bars are the probability of each star; the line is the expected rating. For a
# new user the forecast is what the movie usually gets, with more uncertainty: its bars are flatter.

# %%
model = load_model(trained.artifact)
movies = [
    movie_id(model, title)
    for title in ("Star Wars (1977)", "Fargo (1996)", "Jungle2Jungle (1997)", "Casablanca (1942)")
]
titles = dict(model.movies.table.select("movie", "title").iter_rows())
regular = split.train.frame["user"].value_counts(sort=True)["user"][0]
asked = {"a known user": regular, "a new user": -1}
now = int(split.valid.at.min())

forecasts = {}
for who, user in asked.items():
    forecast = model.predict(Requests.of([user] * len(movies), movies, at=now))
    forecasts[who] = forecast
    basis = Basis(int(forecast.basis[0])).words
    print(f"{who}: {forecast.history_length[0]} ratings used; {basis}")
predictions.distributions(
    {who: forecast.probabilities for who, forecast in forecasts.items()},
    {who: forecast.stars for who, forecast in forecasts.items()},
    model.scale.stars,
    [titles[movie] for movie in movies],
)

# %% [markdown]
# ## Update it with new ratings
#
# An invented new user rates science fiction highly, one rating after the other. The model is not
# fitted again. The forecast for a movie of the same taste rises, that for another kind falls, and
# all move with the level of the user's ratings.

# %%
LIKES = {
    "Empire Strikes Back, The (1980)": 5,
    "Alien (1979)": 5,
    "Sound of Music, The (1965)": 1,
    "Terminator, The (1984)": 5,
    "Pretty Woman (1990)": 1,
    "Aliens (1986)": 5,
    "Ghost (1990)": 2,
    "Blade Runner (1982)": 5,
}
WATCHED = ["Star Wars (1977)", "Star Trek: The Wrath of Khan (1982)", "Sleepless in Seattle (1993)"]
NEWCOMER = 10_000
watched = [movie_id(model, title) for title in WATCHED]


def forecasts(at):
    return model.predict(Requests.of([NEWCOMER] * len(watched), watched, at=at)).stars


seen = [forecasts(now)]
for step, (title, stars) in enumerate(LIKES.items(), start=1):
    row = {"user": NEWCOMER, "movie": movie_id(model, title), "rating": float(stars)}
    new = pl.DataFrame([row | {"at": now + step}]).cast({"rating": pl.Float32})
    model.observe(Ratings(new, scale=model.scale))
    seen.append(forecasts(now + step))

labels = ["nothing yet", *(f"{title}: {stars}" for title, stars in LIKES.items())]
predictions.updates(np.array(seen), labels, WATCHED)

# %% [markdown]
# ## How good is it, and where is it wrong?
#
# As-of: every rating of the validation period is predicted from strictly earlier ones, then
# observed. The error falls with the user's history length.

# %%
fresh = load_model(trained.artifact)
first_of_test = replace(split, test=split.test.take(slice(0, 1)))
comparison = comparisons([run(fresh, first_of_test, "as-of")], "valid")[0]
drawn = pens(comparison.models)
scores.rmse_by(comparison.models, by_history_length(comparison), drawn, "history length, at least")

# %% [markdown]
# By movie: a dot is a movie, its size the number of rows; the line is the median. The best and the
# worst are numbered, and named below. Popularity hardly matters. Opinions about the worst ones
# differ most: their mean is predicted well, the single ratings are not.

# %%
errors = by_movie(comparison, MODEL)
scores.movies(errors, drawn[MODEL])

# %%
shown = errors.select("title", "n", "train_ratings", "rmse", "given", "forecast")
pl.concat([shown.head(5), shown.tail(5)])

# %% [markdown]
# ## Are the probabilities calibrated?
#
# A star with a predicted probability of three tenths should be given in three of ten rows. Above:
# the observed frequency against the predicted probability; below: the gap, in percentage points.

# %%
points = {MODEL: reliability(comparison.forecasts[MODEL], comparison.part)}
scores.calibration(points, drawn)

# %% [markdown]
# ## Similar movies, from the same folder
#
# The artifact has the movies' vectors too, so that a page can show similar movies.

# %%
vectors = MovieVectors.of(fresh)
vectors.similar(movie_id(fresh, "Toy Story (1995)"), 6, min_ratings=50).select(
    "title", "cosine", "ratings"
)
