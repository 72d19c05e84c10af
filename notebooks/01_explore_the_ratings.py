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
# # Explore the ratings
#
# Before a model is fitted, look at the data. This notebook looks at MovieLens 100K and shows every
# claim in a plot. No figure below is typed by hand: each is computed in the cell that shows it, and
# the tests run all cells.
#
# Change `EDITION` to look at another table (`ratecast data fetch ml-1m`, or a CSV file of yours).

# %%
import numpy as np
import polars as pl

from ratecast import data, splits
from ratecast.audit import audit
from ratecast.data import rating_behaviour
from ratecast.plots import rating_behaviour as plots
from ratecast.plots.intervals import intervals

EDITION = "ml-100k"
pl.Config.set_tbl_rows(20).set_float_precision(3).set_tbl_hide_dataframe_shape(True)

ratings = data.load(EDITION)
facts = data.describe(ratings)
sizes = {name: facts[name] for name in ("rows", "users", "movies", "density", "mean", "tie_share")}
pl.DataFrame(sizes)

# %% [markdown]
# ## Most ratings are high, and people use the stars differently
#
# The blue bars are the ratings, the orange ones the users who ever give that star. Nearly
# all users use the upper half of the scale; many never give the lowest star. So three stars of one
# user mean something else than three stars of another: a model needs a bias for each user.

# %%
plots.stars(rating_behaviour.stars_used(ratings))

# %%
users, movies = (rating_behaviour.activity(ratings, kind) for kind in ("user", "movie"))
plots.histograms(
    {
        "users: mean": users["mean"].to_numpy(),
        "users: std": users["std"].to_numpy(),
        "movies of 20 ratings or more: mean": movies.filter(pl.col("rows") >= 20)[
            "mean"
        ].to_numpy(),
    },
    ["mean stars of the user", "standard deviation, stars", "mean stars of the movie"],
)

# %% [markdown]
# ## The long tail
#
# A few users and movies have most of the ratings. On the right: the share of the table that the
# most active ones have; on the dashed line, all would have the same. Many movies have so few
# ratings that their own mean is unreliable: their bias must be *damped*, that is, moved towards the
# mean.

# %%
tails = {"users": users["rows"].to_numpy(), "movies": movies["rows"].to_numpy()}
plots.long_tail(tails)

# %%
pl.DataFrame(
    [
        {
            "of": kind,
            "ids": len(counts),
            "median ratings": float(np.median(counts)),
            "share of the most active tenth": float(
                counts[: len(counts) // 10].sum() / counts.sum()
            ),
            "share of ids under 10 ratings": float((counts < 10).mean()),
        }
        for kind, counts in tails.items()
    ]
)

# %% [markdown]
# ## Ratings over time
#
# People arrive in waves (black), and the ratings follow them. The mean of the stars moves too, by
# more than the best model gains over a plain one. The dashed lines are the borders of the
# chronological split.

# %%
split = splits.chronological(ratings)
names = list(split.parts)
borders = [int(part.at.min()) for part in list(split.parts.values())[1:]]
plots.over_time(rating_behaviour.by_period(ratings), borders)

# %% [markdown]
# ## What the chronological split does to users
#
# A model learns from earlier ratings and predicts later ones, as it will be used. That is much
# harder than the usual random split, because **the later rows are of other users**. In the matrix
# of ratings, with users in order of arrival, the parts are nearly blocks of rows.

# %%
rows, columns = rating_behaviour.matrix_positions(ratings)
part = np.searchsorted(borders, ratings.at, side="right")
plots.matrix(rows, columns, part, names)

# %%
plots.lifetimes(rating_behaviour.lifetimes(ratings), borders, names)

# %%
parts = audit(split, ratings)["parts"]
pl.DataFrame(
    [{"part": name} | {k: v for k, v in of.items() if k != "period"} for name, of in parts.items()]
)

# %% [markdown]
# The share of rows whose user, or whose movie, has no rating in train. An embedding has no trained
# values for such a user; predicting from an untrained embedding row is predicting at random.

# %%
random = splits.kfold(ratings)[0]
shares = {
    f"new {kind}, {name}": of[f"new_{kind}_share"]
    for kind in ("user", "movie")
    for name, of in parts.items()
    if name != "train"
}
of_random = audit(random, ratings)["parts"]["test"]
shares["new user, random test fold"] = of_random["new_user_share"]
shares["new movie, random test fold"] = of_random["new_movie_share"]
plots.shares(shares, "share of the part's rows")

# %% [markdown]
# ## Ties: people rate whole pages at once
#
# Users submit several ratings in one second. Rows of the same second have no order: predicting one
# from the other would be a leak. So ratecast predicts the rows of a tie group together, and then
# observes them together.

# %%
tied = rating_behaviour.tied_rows(ratings)
few = tied.filter(pl.col("size") <= 8)
of_size = {f"{size} in a second": n / len(ratings) for size, n in few.select("size", "rows").rows()}
plots.shares(of_size, "share of the rows, by how many share user and second")

# %% [markdown]
# ## Sessions: most users have one
#
# A session ends after an hour without a rating. Most users have a single one: they sign up, rate
# the movies they know, and leave. To help them, a model must learn *while* they rate. The **as-of**
# protocol measures that, beside the **frozen** one.

# %%
sat = rating_behaviour.sessions(ratings)
per_user = sat.group_by("user").agg(pl.len().alias("sessions"), pl.col("rows").sum())
plots.histograms(
    {
        "users": per_user["sessions"].clip(upper_bound=15).to_numpy(),
        "sessions": sat["minutes"].clip(upper_bound=120).to_numpy(),
        "sessions ": sat["rows"].clip(upper_bound=200).to_numpy(),
    },
    ["sessions of the user, at most 15", "minutes, at most 120", "ratings, at most 200"],
)

# %%
first = sat.filter(pl.col("number") == 1)
plots.shares(
    {
        "users with one session": float((per_user["sessions"] == 1).to_numpy().mean()),
        "ratings in a user's first session": float(first["rows"].to_numpy().sum() / len(ratings)),
    },
    "share",
)

# %% [markdown]
# ## Who rates, and what
#
# Means with their 95 % intervals; the intervals resample users, not ratings, since the ratings of
# one user are correlated. Age and occupation tell a little about a new user: most intervals touch
# the dashed mean of all. Genres tell more about a movie.

# %%
demographics = {
    name: rating_behaviour.grouped(ratings, name) for name in ("age", "gender", "occupation")
}
MEAN_STARS = "mean stars, 95 % interval"
intervals(demographics, MEAN_STARS, facts["mean"])

# %%
genres = rating_behaviour.grouped(ratings, "genres").filter(pl.col("rows") >= 100)
intervals({"genres": genres}, MEAN_STARS, facts["mean"])

# %% [markdown]
# ## What follows for a model
#
# - Most requests are of new users: it needs trained parameters for them.
# - It should be updated with each rating, without a refit: a user's next rating comes in minutes.
# - Damped biases of users and movies come first; factors come after them.
# - It must be evaluated in time order, tie groups together. `02_train_and_compare` does.
