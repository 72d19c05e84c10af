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
# # Interpret the embeddings
#
# A factor model knows nothing of movies but who gave them which stars. What does it make of them?
# We look at the biases, at a map of the vectors, at the nearest movies, and then ask, with
# numbers, whether the directions mean something.

# %%
import os
from pathlib import Path

import numpy as np
import polars as pl

from ratecast import data
from ratecast.evaluation import probes
from ratecast.plots import vectors as plots
from ratecast.plots.intervals import intervals
from ratecast.queries.movie_map import movie_map
from ratecast.queries.similar import MovieVectors
from ratecast.queries.title_lookup import movie_id
from ratecast.training import make_model

SHORT = bool(os.environ.get("RATECAST_SHORT"))
pl.Config.set_fmt_str_lengths(60).set_tbl_rows(30).set_float_precision(3)
pl.Config.set_tbl_hide_dataframe_shape(True)

ratings = data.load("ml-100k")
model = make_model("state_space", **({"iterations": 5} if SHORT else {})).fit(ratings)
every = MovieVectors.of(model)

# %% [markdown]
# Here the model may learn from every rating, since nothing is forecast. `MovieVectors` brings the
# factors to one measure: turned and stretched as they come out of training, raw factors of two
# models, or two directions of one, cannot be compared. In this measure the product of two vectors
# is the covariance, over users, of what taste adds to their stars; their cosine is its
# correlation.

# %% [markdown]
# ## Biases: what everybody agrees on
#
# The bias is how many stars the average user gives a movie above the average rated movie. It is
# not the movie's mean: it accounts for who rated it, and is damped where few did (the number in
# brackets). Were it not, each end would be full of movies that one person loved, or hated.

# %%
plots.biases(every)

# %% [markdown]
# ## A map of taste
#
# Principal components first: the two widest directions of the vectors. Only movies that enough
# people rated are shown, the others have hardly moved from where a new movie starts.

# %%
LEAST = 50
GENRES = ["Children's", "Sci-Fi", "Horror", "Romance", "Film-Noir"]
known = every.take(every.counts >= LEAST)
wide, shares = probes.principal(known)
famous = np.argsort(-known.counts)[: 30 if SHORT else 60]
said = " and ".join(f"{share:.0%}" for share in shares)
plots.movie_map(known, wide, famous, GENRES, f"two principal components ({said} of the variance)")

# %% [markdown]
# Two components show a part of the variance. t-SNE lays out all of it so that neighbours stay
# neighbours; distances across the map mean nothing. An interactive map, with the title of every
# movie, is written beside the notebook (`03_map.html`, one file, no network needed).

# %%
places = movie_map(known, steps=300 if SHORT else 1000)
written = plots.interactive_map(known, places, GENRES, Path("03_map.html"))
plots.movie_map(known, places, np.argsort(-known.counts)[:150], GENRES, "t-SNE of the cosines")

# %% [markdown]
# ## Nearest movies
#
# By cosine. The original project lists neighbours of "The Silence of the Lambs" that look like
# noise. Its weights are not ours to show; beside our neighbours stand those of a net of its kind,
# trained here from a large random start without priors, its raw factors compared.

# %%
ASKED = ["Silence of the Lambs, The (1991)", "Star Wars (1977)", "Toy Story (1995)"]
bare = make_model(
    "mf_bias",
    factors=64,
    init_std=1.0,
    id_dropout=0.0,
    l2_users=0.0,
    l2_movies=0.0,
    trainer={"epochs": 2 if SHORT else 10, "learning_rate": 0.005},
).fit(ratings)


def raw_neighbours(movie, n=8):
    """The nearest by cosine of the net's factors as learned, of movies rated as often as ours."""
    vectors, factors = MovieVectors.of(bare), bare.net.movies.vectors()[1:]
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    row = vectors.row(movie)
    order = np.argsort(-np.where(vectors.counts >= LEAST, unit @ unit[row], -1))
    return [vectors.table["title"][int(k)] for k in order if k != row][:n]


near = {}
for title in ASKED:
    movie = movie_id(model, title)
    near[title] = pl.DataFrame(
        {
            "cosine": (found := every.similar(movie, 8, min_ratings=LEAST))["cosine"],
            "ours": found["title"],
            "random start, no priors, raw": raw_neighbours(movie),
        }
    )
near[ASKED[0]]

# %%
near[ASKED[1]]

# %%
near[ASKED[2]]

# %% [markdown]
# Liking by eye is cheap. A figure: how often does one of the nearest movies share a genre with the
# movie asked about, as against a movie drawn at random? (`state_space` uses genres in its prior for
# movies, so `als`, which sees nothing but ratings, is the fair one.)


# %%
def shared(vectors, cosines_of):
    """Share of the eight nearest movies that have a genre of the movie: mean over movies."""
    genres = [set(g) for g in vectors.table["genres"].to_list()]
    found = []
    for row in range(len(genres)):
        order = [k for k in np.argsort(-cosines_of(row)) if k != row][:8]
        found.append(np.mean([bool(genres[row] & genres[k]) for k in order]))
    found = np.array(found)
    error = 1.96 * found.std() / np.sqrt(len(found))
    return {"mean": found.mean(), "low": found.mean() - error, "high": found.mean() + error}


plain = MovieVectors.of(make_model("als").fit(ratings))
plain = plain.take(plain.counts >= LEAST)
of_bare = MovieVectors.of(bare).take(every.counts >= LEAST)
raw = bare.net.movies.vectors()[1:][every.counts >= LEAST]
unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
draw = np.random.default_rng(0)
genre_share = pl.DataFrame(
    [
        {"group": "drawn at random"} | shared(known, lambda _: draw.random(len(raw))),
        {"group": "random start, no priors, raw"} | shared(of_bare, lambda row: unit @ unit[row]),
        {"group": "als, from ratings alone"} | shared(plain, plain.cosines),
        {"group": "state_space, which knows genres"} | shared(known, known.cosines),
    ]
)
intervals({"eight nearest movies": genre_share}, "share with a genre in common, 95 % interval")

# %% [markdown]
# ## Do directions mean something?
#
# A linear probe: from the vectors of four fifths of the movies, learn to tell a genre, and see how
# well it does on the rest. An area of one half is chance.
#
# The vectors are those of `als`, from ratings alone.

# %%
genre = probes.genre_probe(plain)
intervals({"genres, from ratings alone": genre}, "area under the ROC curve, five folds", 0.5)

# %% [markdown]
# And the year: how much of its variance the vectors explain, against movies whose years were
# shuffled, which must explain nothing.

# %%
year = probes.year_probe(plain)
year

# %% [markdown]
# The ends of some directions, in titles: the widest one, and those of two genres. A direction is a
# difference of means, nothing was tuned for it.

# %%
plots.extremes(known, wide[:, 0])

# %%
plots.extremes(known, probes.axis_of(known, "Children's"))

# %%
plots.extremes(known, probes.axis_of(known, "Sci-Fi"))

# %% [markdown]
# What to take from it: biases are the part to trust, neighbours of well-rated movies are sensible,
# directions carry genre and era without having been told. What they are not: a description of the
# movie. They say who likes it.
