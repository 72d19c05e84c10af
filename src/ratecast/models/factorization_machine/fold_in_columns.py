"""What `fold_in` and its loops read and write."""

from typing import NamedTuple

from ratecast.arrays import F32, F64, I64


class BatchColumns(NamedTuple):
    """The rows of a `UserBatches`, as the kernel reads them.

    edges: (users + 1,) borders of the users. movies: (n,) lines of `MovieSide`. target: (n,) the
    rating less `time_effect`. time_effect: (n,) effects of time bins that the fit knows. noise:
    (n,) variances. group: (n,) time group.
    """

    edges: I64
    movies: I64
    target: F64
    time_effect: F64
    noise: F64
    group: I64


class TimeBins(NamedTuple):
    """Bins of time, one of each of b widths.

    keys: (n, b) the bin of each row; below 0 for a row without time. unknown: (n, b) 1 where the
    fit does not know the bin's effect. variances: (b,) prior variances of the effects.
    """

    keys: I64
    unknown: F64
    variances: F64


class UserSide(NamedTuple):
    """Priors of the users' vectors in s samples, of width d.

    labels: (users, s, d) sums of the users' labels. mean_set: (s, d) set of a user without ratings.
    precision: (s, d) prior precisions of a user's own vector.
    """

    labels: F32 | F64
    mean_set: F32 | F64
    precision: F64


class MovieSide(NamedTuple):
    """vectors: (lines, s, d). in_set: (lines, s, d), what each movie adds to a user's set."""

    vectors: F32 | F64
    in_set: F32 | F64


class Likelihood(NamedTuple):
    """level: (s,). cuts: (s, S - 1) of the ordered probit, (s, 0) for the regression."""

    level: F64
    cuts: F64


class Tables(NamedTuple):
    """Numbers of all samples, (blocks, rows, 8); a vector is d rows that follow each other.

    labels: of each user. mean_set, precision: one vector. vectors, in_set: of each movie. level:
    one row.
    """

    labels: F64
    mean_set: F64
    precision: F64
    vectors: F64
    in_set: F64
    level: F64


class LearnedUser(NamedTuple):
    """Posterior of one user's vector after all ratings, in the blocks of `Tables`.

    mean: (blocks, d, 8). covariance: (blocks, d (d + 1) / 2, 8), rows of the lower triangle.
    is_known: whether the walk begins from it; otherwise the walk sets it, if it has any block.
    """

    mean: F64
    covariance: F64
    is_known: bool = False

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.mean.nbytes + self.covariance.nbytes


class Walk(NamedTuple):
    """What is walked: rows, their time bins, `Tables`, and the cuts of `Likelihood`."""

    batches: BatchColumns
    bins: TimeBins
    tables: Tables
    cuts: F64
    learned: LearnedUser


class State(NamedTuple):
    """One user's vector and bin effects, of length d + b, in eight samples.

    mean: its rows. covariance: a row for each entry of the lower triangle. x, gain: rows that a
    product reads and writes. set_sum, set_mean: d rows, of the user's set, and that / sqrt(size).
    current: (b,) present bins.
    """

    mean: F64
    covariance: F64
    x: F64
    gain: F64
    set_sum: F64
    set_mean: F64
    current: I64


class Forecasts(NamedTuple):
    """Of each row, of the samples so far: mean, sum of squares, and probabilities of stars."""

    mean: F64
    square: F64
    probabilities: F64
