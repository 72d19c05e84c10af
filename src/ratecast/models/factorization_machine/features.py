"""Features of users and movies for `factorization_machine`, and what its samples make of them."""

import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.arrays import F32, F64, I32, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.side_information.labels import Labels
from ratecast.models.factorization_machine.sampler import Block, Sample

Sets = tuple[sp.csr_array, sp.csr_array]


def block(factors: int, sets: sp.csr_array, side: tuple[Labels, pl.DataFrame], rows: I32) -> Block:
    """Features of users or movies: id, set, then labels, each kind a group."""
    labels, table = side
    ids = sp.eye_array(table.height, format="csr")
    groups = [ids, sets[1:], *labels.matrices(table).values()]
    group = np.repeat(np.arange(len(groups)), [part.shape[1] for part in groups])
    features = sp.csc_array(sp.hstack(groups))
    return Block(features, group.astype(np.int32), rows - 1, factors)


def condensed(samples: list[Sample], sets: Sets, features: sp.csc_array) -> Arrays:
    """What a forecast needs of the samples; features: of the movies.

    vectors: of each movie, the unknown first; company: what each movie in a user's set adds, usual:
    a stranger's set; labels: of users and movies; (lines, s, 1 + factors) all. fitted: how many
    users and movies there were.
    """
    ids, others = sets[1].shape[1], sets[0].shape[1]
    user, movie = _by_feature([s.user for s in samples]), _by_feature([s.movie for s in samples])
    company, raters = user[ids : ids + others], movie[others : others + ids]
    vectors = [sums(sets[1][:1], raters), sums(sp.csr_array(features), movie)]
    return {
        "level": np.array([s.level for s in samples]),
        "ridge": np.array([s.ridge for s in samples]),
        "cuts": np.array([s.cuts for s in samples]),
        "points": np.mean([s.points for s in samples], 0),
        "loose": np.mean([s.loose for s in samples], 0),
        "fitted": np.array([ids, others]),
        "company": np.concatenate([np.zeros_like(company[:1]), company]),
        "usual": sums(sets[0][:1], company)[0],
        "labels.user": user[ids + others :],
        "labels.movie": movie[ids + others :],
        "vectors": np.concatenate(vectors),
    }


def one_hot(key: I64, met: I64) -> Block:
    """A linear block with one feature for each distinct key."""
    index = np.searchsorted(met, key).astype(np.int32)
    return Block(sp.eye_array(len(met), format="csc"), np.zeros(len(met), np.int32), index, 0)


def sets_of(train: Rows, shape: tuple[int, int]) -> tuple[sp.csr_array, sp.csr_array]:
    """The movies of each user and the users of each movie: see `normed`."""
    pairs = sp.csr_array((np.ones(len(train)), (train.users, train.movies)), shape)
    pairs.data[:] = 1.0
    return normed(pairs), normed(sp.csr_array(pairs.T))


def normed(pairs: sp.csr_array) -> sp.csr_array:
    """Lines of `pairs` / sqrt(their count); line 0 becomes their mean over ratings; no column 0."""
    count = np.asarray(pairs.sum(axis=1))
    normed = sp.csr_array(sp.diags_array(np.maximum(count, 1) ** -0.5) @ pairs)[:, 1:]
    mean = sp.csr_array((count / count.sum())[None, :] @ normed)
    return sp.csr_array(sp.vstack([mean, normed[1:]]))


def joined(labels: Labels, side: pl.DataFrame) -> sp.csr_array:
    """All kinds of labels side by side: (lines, labels)."""
    none = sp.csr_array((side.height, 0))
    return sp.csr_array(sp.hstack([none, *labels.matrices(side).values()]))


def _by_feature(samples: list[F64]) -> F32:
    """Coefficients of every sample: (features, samples, 1 + factors)."""
    return np.ascontiguousarray(np.stack(samples).transpose(2, 0, 1), np.float32)


def sums(features: sp.csr_array, coefficients: F32) -> F32:
    """Features x coefficients: (lines, samples, 1 + factors)."""
    count, samples, width = coefficients.shape
    sums: F32 = features.astype(np.float32) @ coefficients.reshape(count, samples * width)
    return sums.reshape(-1, samples, width)
