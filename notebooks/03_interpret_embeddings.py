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
# A factor model knows only the ratings of movies. What does it learn about them? We look at the
# biases, at a map of the vectors and at similar movies, and then measure whether directions of the
# vectors have a meaning.

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
# Here the model is fitted on every rating, since nothing is predicted. `MovieVectors` brings the
# factors to one measure: rotated and scaled as they come out of training, raw factors of two
# models, or two directions of one, cannot be compared. In this measure the product of two vectors
# is the covariance, over users, of what factors add to their stars; their cosine is its
# correlation.

# %% [markdown]
# ## Biases: what users agree on
#
# The bias is how many stars the average user gives a movie above the average rated movie. It is
# not the movie's mean: it accounts for who rated it, and is damped where few did (the number in
# brackets). Without damping, each end would be movies with a single very high or low rating.

# %%
plots.biases(every)

# %% [markdown]
# ## A map of taste
#
# Principal components first: the two directions of largest variance. Only movies with enough
# ratings are shown; the vectors of the others are near that of a new movie.

# %%
LEAST = 50
GENRES = ["Children's", "Sci-Fi", "Horror", "Romance", "Film-Noir"]
known = every.take(every.counts >= LEAST)
wide, shares = probes.principal(known)
famous = np.argsort(-known.counts)[: 30 if SHORT else 60]
explained = " and ".join(f"{share:.0%}" for share in shares)
plots.movie_map(
    known, wide, famous, GENRES, f"two principal components ({explained} of the variance)"
)

# %% [markdown]
# Two components show a part of the variance. t-SNE uses all of it, and keeps neighbours together;
# large distances on the map mean nothing. An interactive map, with the title of every movie, is
# written beside the notebook (`03_map.html`, one file that needs no network).

# %%
places = movie_map(known, steps=300 if SHORT else 1000)
written = plots.interactive_map(known, places, GENRES, Path("03_map.html"))
plots.movie_map(known, places, np.argsort(-known.counts)[:150], GENRES, "t-SNE of the cosines")

# %% [markdown]
# ## Similar movies
#
# By cosine similarity. The original project lists neighbours of "The Silence of the Lambs" that
# look random. Its weights are not published, so we compare with a net of its kind, trained here
# from large random initial values without priors, and with its raw factors.

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
# Impressions can mislead, so here is a figure: how often does one of the most similar movies share
# a genre with the movie, compared with a random movie? (`state_space` uses genres in its prior for
# movies, so `als`, which uses ratings alone, is the fair comparison.)


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
# ## Do directions have a meaning?
#
# A linear probe: learn to predict a genre from the vectors of four fifths of the movies, and
# evaluate it on the rest. An area under the curve of one half is chance.
#
# The vectors are those of `als`, from ratings alone.

# %%
genre = probes.genre_probe(plain)
intervals({"genres, from ratings alone": genre}, "area under the ROC curve, five folds", 0.5)

# %% [markdown]
# And the year: how much of its variance the vectors explain, compared with shuffled years, of which
# they must explain nothing.

# %%
year = probes.year_probe(plain)
year

# %% [markdown]
# Titles at the ends of some directions: that of largest variance, and those of two genres. A
# genre's direction is a difference of means; nothing was tuned for it.

# %%
plots.extremes(known, wide[:, 0])

# %%
plots.extremes(known, probes.axis_of(known, "Children's"))

# %%
plots.extremes(known, probes.axis_of(known, "Sci-Fi"))

# %% [markdown]
# Conclusion: biases are reliable, similar movies of often rated movies are plausible, and
# directions correlate with genre and era, which the model was never given. The vectors do not
# describe a movie's content; they describe who likes it.
