"""Features of users and movies for `factorization_machine`, and what its samples make of them."""

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.arrays import F32, F64, I32, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.side_lines import Columns
from ratecast.modelling.side_information.labels import Labels
from ratecast.models.factorization_machine.fold_in_columns import MovieSide
from ratecast.models.factorization_machine.sampler import Block, Sample
from ratecast.ratings import Scale

Sets = tuple[sp.csr_array, sp.csr_array]


def feature_block(
    factors: int, sets: sp.csr_array, labels: Labels, table: pl.DataFrame, rows: I32
) -> Block:
    """Features of users or of movies: id, set, then labels; each kind is a group.

    sets: (1 + lines, others) of `rated_sets`. table: (lines,) with the labels' columns. rows: (n,)
    row number of each rating, from 1.
    """
    ids = sp.eye_array(table.height, format="csr")
    groups = [ids, sets[1:], *labels.matrices(table).values()]
    group = np.repeat(np.arange(len(groups)), [part.shape[1] for part in groups])
    features = sp.csc_array(sp.hstack(groups))
    return Block(features, group.astype(np.int32), rows - 1, factors)


def condensed(samples: list[Sample], sets: Sets, features: sp.csc_array) -> Arrays:
    """What a forecast needs of s samples. features: of the movies.

    vectors: (rows, s, 1 + factors) of each movie, the unknown first. in_set: what each movie adds
    to a user's set. mean_set: (s, 1 + factors) set of a user without ratings. labels.user,
    labels.movie: (labels, s, 1 + factors). fitted: number of users and of movies.
    """
    ids, others = sets[1].shape[1], sets[0].shape[1]
    user, movie = _by_feature([s.user for s in samples]), _by_feature([s.movie for s in samples])
    in_set, raters = user[ids : ids + others], movie[others : others + ids]
    vectors = [products(sets[1][:1], raters), products(sp.csr_array(features), movie)]
    return {
        "level": np.array([s.level for s in samples]),
        "precision": np.array([s.precision for s in samples]),
        "cuts": np.array([s.cuts for s in samples]),
        "star_means": np.mean([s.star_means for s in samples], 0),
        "bin_variances": np.mean([s.bin_variances for s in samples], 0),
        "fitted": np.array([ids, others]),
        "in_set": np.concatenate([np.zeros_like(in_set[:1]), in_set]),
        "mean_set": products(sets[0][:1], in_set)[0],
        "labels.user": user[ids + others :],
        "labels.movie": movie[ids + others :],
        "vectors": np.concatenate(vectors),
    }


def one_hot(key: I64, distinct_keys: I64) -> Block:
    """A linear block with one feature for each distinct key. key: (n,)."""
    index = np.searchsorted(distinct_keys, key).astype(np.int32)
    count = len(distinct_keys)
    return Block(sp.eye_array(count, format="csc"), np.zeros(count, np.int32), index, 0)


def rated_sets(train: Rows, shape: tuple[int, int]) -> Sets:
    """The movies of each user and the users of each movie: see `normalized`."""
    pairs = sp.csr_array((np.ones(len(train)), (train.users, train.movies)), shape)
    pairs.data[:] = 1.0
    return normalized(pairs), normalized(sp.csr_array(pairs.T))


def normalized(pairs: sp.csr_array) -> sp.csr_array:
    """Lines of `pairs` / sqrt(their count), without column 0; line 0 is their mean over ratings."""
    count = np.asarray(pairs.sum(axis=1))
    scaled = sp.csr_array(sp.diags_array(np.maximum(count, 1) ** -0.5) @ pairs)[:, 1:]
    mean = sp.csr_array((count / count.sum())[None, :] @ scaled)
    return sp.csr_array(sp.vstack([mean, scaled[1:]]))


def joined_labels(labels: Labels, table: pl.DataFrame) -> sp.csr_array:
    """All kinds of labels side by side: (lines, labels)."""
    none = sp.csr_array((table.height, 0))
    return sp.csr_array(sp.hstack([none, *labels.matrices(table).values()]))


def label_columns(labels: Labels, table: pl.DataFrame) -> Columns:
    """`joined_labels`, for `SideLines`."""
    return (joined_labels(labels, table),)


def movie_side(movies: I64, samples: Arrays, new: F32) -> tuple[I64, MovieSide]:
    """The line of each movie, (n,), and these lines. new: vectors that follow those of samples."""
    vectors, in_set = samples["vectors"], samples["in_set"]
    used, line = np.unique(movies, return_inverse=True)
    known = used[used < len(vectors)]
    more = new[used[len(known) :] - len(vectors)]
    own = np.concatenate([vectors[known], more])
    # A movie that the fit did not know adds nothing to a set.
    sets, fitted = np.zeros(own.shape), used < len(in_set)
    sets[fitted] = in_set[used[fitted]]
    return line, MovieSide(own, sets)


def explained(stars: F64, samples: Arrays, scale: Scale) -> F64:
    """What the samples explain: the stars in units of the scale, or mean latent values."""
    if not samples["cuts"].shape[1]:
        return stars / scale.unit
    # A request has no star yet; its target is never read.
    known = np.maximum(stars, scale.low)
    return np.asarray(samples["star_means"][scale.index(known)], np.float64)


def _by_feature(samples: list[F64]) -> F32:
    """Coefficients of every sample: (features, samples, 1 + factors)."""
    return np.ascontiguousarray(np.stack(samples).transpose(2, 0, 1), np.float32)


def products(features: sp.csr_array, coefficients: F32) -> F32:
    """Features x coefficients: (lines, samples, 1 + factors)."""
    count, samples, width = coefficients.shape
    result: F32 = features.astype(np.float32) @ coefficients.reshape(count, samples * width)
    return result.reshape(-1, samples, width)
