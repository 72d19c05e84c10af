"""A Kalman filter over each user's ratings, one time group after another.

State of a user: s = (p_0, p_1..p_K, session) of D = K + 2 components: bias, factors, and a
deviation of the present session that fades. A rating of movie j:

    r = m_j + h·s + ε,   h = (1, q_j, 1),   ε ~ N(0, noise_j)

Reference: Kalman 1960; Durbin, Koopman 2012, section 6.4 (one row of a batch at a time).
Differs: the noise includes the uncertainty of the movie's factors; the predicted variance is
scaled by how large the user's standardized innovations were so far.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I32, I64
from ratecast.compiled import njit
from ratecast.lanes import prefetch_row
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.loops import add, copy, on_all_threads, side_by_side
from ratecast.models.state_space.state_vector import Dynamics, row_parts

# Pseudo-counts, in ratings: of the implicit feedback, and of a user's variance scale.
IMPLICIT_DAMPING = 5.0
VARIANCE_DAMPING = 10.0

# So many rows before it is needed, what is known of a movie is asked for.
AHEAD = 2


class RatingStream(NamedTuple):
    """Rows grouped by user, in time order.

    edges: (u + 1,) borders of the users. movies, stars, at, requested: (n,); at: UTC seconds.
    requested: whether the row is to be predicted.
    """

    edges: I64
    movies: I32
    stars: F64
    at: I64
    requested: NDArray[np.bool_]


class UserPrior(NamedTuple):
    """Prior mean of users. mean: (u, F), from side information.

    implicit_weights: (Z + 1, F), regression of the mean on implicit feedback.
    """

    mean: F64
    implicit_weights: F64


class MovieParameters(NamedTuple):
    """What the filter uses of M movies.

    mean: (M,) m_j, stars. factors: (M, K) q_j. factor_cov: (M, K (K + 1) / 2) the lower
    triangle of their posterior covariance, row by row.
    mean_var, noise_var: (M,) posterior variance of m_j, and noise_j. implicit: (M, Z) descriptors,
    what a rating of the movie shows about a user, its stars aside.
    """

    mean: F64
    factors: F64
    factor_cov: F64
    mean_var: F64
    noise_var: F64
    implicit: F64


class FilterOutput(NamedTuple):
    """What the filter computes for each row: (n,) each.

    mean, variance: of the requested rows, stars; NaN elsewhere. innovations: rating minus its
    prediction from the rows before it, stars; 0 in each user's last time group.
    """

    mean: F64
    variance: F64
    innovations: F64


class _Workspace(NamedTuple):
    """Arrays that a user's rows share. loading: h (D,). gain: P h (D,), before the division.

    projected: h' sensitivity (F,). mean: E s (D,). second_moments: (K (K + 1) / 2,) E s s' of the
    factors as a lower triangle row by row, those off the diagonal twice.
    """

    loading: F64
    gain: F64
    projected: F64
    mean: F64
    second_moments: F64


def run_filter(
    stream: RatingStream,
    prior: UserPrior,
    movies: MovieParameters,
    dynamics: Dynamics,
    *,
    states: F64 | None = None,
) -> FilterOutput:
    """Predict every requested row from the rows of the user's earlier time groups.

    states: (u, W) rows from which the users start (`state_vector`); overwritten by their states
    before the last time group. Without them, all users start from the initial state.
    """
    count = len(stream.requested)
    output = FilterOutput(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count))
    model = prior, movies, dynamics, dynamics.initial[None][:0] if states is None else states
    if side_by_side(count):
        on_all_threads(_filter_users, pieces(stream.edges), stream, model, output)
    else:
        _filter_users((0, len(stream.edges) - 1), stream, model, output)
    return output


@njit(cache=True, fastmath=True, nogil=True)
def _filter_users(users, stream, model, output):  # type: ignore[no-untyped-def]
    """The users from users[0] to users[1] - 1: 5 F^2 + 3 Z F operations for each row."""
    edges, row_movie, stars, at, requested = stream
    (priors, weights), movies, (initial, transition, process_noise), states = model
    expected, variances, innovations = output
    size, width, descriptors = len(transition), priors.shape[1], movies[5]
    row = np.empty(len(initial))
    state, implicit = row_parts(row, size, width)
    space = _workspace(size, width)
    prior_mean = np.empty(width)
    for user in range(users[0], users[1]):
        copy(row, states[user] if len(states) else initial)
        squares, count, start = row[-2], int(row[-1]), edges[user]
        while start < edges[user + 1]:
            stop = _group_end(at, start, edges[user + 1])
            if len(states) and start > edges[user] and stop == edges[user + 1]:
                row[-2], row[-1] = squares, count
                copy(states[user], row)
            copy(prior_mean, priors[user])
            if count:
                _add_implicit(prior_mean, weights, implicit, count)
                _time_update(state, transition, process_noise)
            # Variance scale of the user: mean of v² / F over the innovations, damped towards 1.
            scale = (VARIANCE_DAMPING + squares) / (VARIANCE_DAMPING + count)
            _state_mean(state, prior_mean, space)
            for i in range(start, stop):
                if requested[i]:
                    expected[i], variance = _predict(state, space, movies, row_movie[i])
                    variances[i] = variance * scale
            if stop == edges[user + 1]:
                break
            for i in range(start, stop):
                _ask_ahead(movies, row_movie, i + AHEAD)
                if i > start:
                    _state_mean(state, prior_mean, space)
                predicted, variance = _predict(state, space, movies, row_movie[i])
                innovations[i] = stars[i] - predicted
                squares += innovations[i] ** 2 / variance
                _measurement_update(state, prior_mean, space, innovations[i], variance)
                add(implicit, descriptors[row_movie[i]])
            count, start = count + stop - start, stop


@njit(cache=True)
def _ask_ahead(movies, row_movie, i):  # type: ignore[no-untyped-def]
    """Ask for the covariance and the descriptors of the movie of row i, if there is one."""
    if i < len(row_movie):
        prefetch_row(movies[2], row_movie[i])
        prefetch_row(movies[5], row_movie[i])


@njit(cache=True)
def _workspace(size, width):  # type: ignore[no-untyped-def]
    """Arrays that are used again at every step; size: of the state, width: of the prior."""
    moments = np.empty(width * (width - 1) // 2)
    return _Workspace(np.empty(size), np.empty(size), np.empty(width), np.empty(size), moments)


@njit(cache=True)
def _group_end(at, start, stop):  # type: ignore[no-untyped-def]
    """Where the time group that begins at `start` ends: at `stop` or before."""
    end = start + 1
    while end < stop and at[end] == at[start]:
        end += 1
    return end


# Inlined, so that there is one copy: for a processor with AVX2 only, two copies had other bits.
@njit(cache=True, fastmath=True, forceinline=True)
def _add_implicit(prior_mean, weights, implicit, count):  # type: ignore[no-untyped-def]
    """μ ← μ + weights' (Σ descriptors / (n + damping), log(1 + n) - 3), n ratings so far."""
    for z in range(len(implicit)):
        share = implicit[z] / (count + IMPLICIT_DAMPING)
        for f in range(len(prior_mean)):
            prior_mean[f] += weights[z, f] * share
    activity = np.log1p(count) - 3.0
    for f in range(len(prior_mean)):
        prior_mean[f] += weights[len(implicit), f] * activity


@njit(cache=True, fastmath=True)
def _time_update(state, transition, process_noise):  # type: ignore[no-untyped-def]
    """E s ← T E s, P ← T P T + Q, with T and Q diagonal; entries of T that are 1 are skipped."""
    covariance, offset, sensitivity = state
    for a in range(len(transition)):
        if transition[a] != 1.0:
            offset[a] *= transition[a]
            for f in range(sensitivity.shape[1]):
                sensitivity[a, f] *= transition[a]
            for b in range(len(transition)):
                covariance[a, b] *= transition[a]
                covariance[b, a] *= transition[a]
        covariance[a, a] += process_noise[a]


@njit(cache=True, fastmath=True)
def _state_mean(state, prior_mean, space):  # type: ignore[no-untyped-def]
    """Into `space`: E s = offset + sensitivity @ μ, and E s s' = P + E s E s' of the factors."""
    covariance, offset, sensitivity = state
    mean, second_moments = space[3], space[4]
    for a in range(len(offset)):
        total = offset[a]
        for f in range(len(prior_mean)):
            total += sensitivity[a, f] * prior_mean[f]
        mean[a] = total
    place = 0
    for k in range(1, len(prior_mean)):
        for m in range(1, k):
            second_moments[place] = 2.0 * (covariance[k, m] + mean[k] * mean[m])
            place += 1
        second_moments[place] = covariance[k, k] + mean[k] * mean[k]
        place += 1


@njit(cache=True, fastmath=True)
def _predict(state, space, movies, movie):  # type: ignore[no-untyped-def]
    """Expected stars m_j + h·E s, and the innovation variance F; leaves h and P h in `space`.

    F = noise_j + var(m_j) + h' P h + Σ_km cov(q_j)_km E[s_k s_m]
    """
    covariance = state[0]
    loading, gain, _, mean, second_moments = space
    movie_mean, factors, factor_cov, mean_var, noise_var, _ = movies
    count = factors.shape[1]
    # h = (1, q_j, 1)
    loading[0] = loading[count + 1] = 1.0
    for k in range(count):
        loading[1 + k] = factors[movie, k]
    predicted, variance = movie_mean[movie], noise_var[movie] + mean_var[movie]
    for a in range(len(loading)):
        # (P h)_a
        total = 0.0
        for b in range(len(loading)):
            total += covariance[a, b] * loading[b]
        gain[a] = total
        variance += total * loading[a]
        predicted += loading[a] * mean[a]
    # The movie's factors are uncertain themselves.
    for p in range(len(second_moments)):
        variance += factor_cov[movie, p] * second_moments[p]
    return predicted, variance


@njit(cache=True, fastmath=True)
def _measurement_update(state, prior_mean, space, innovation, variance):  # type: ignore[no-untyped-def]
    """Kalman update with the row that `_predict` saw last: E s ← E s + g v, P ← P - g (P h)'.

    The gain is g = P h / F. In linear form, sensitivity ← sensitivity - g (h' sensitivity), and
    offset ← offset + g (v + h' sensitivity μ): together the mean changes by g v.
    """
    covariance, offset, sensitivity = state
    loading, gain, projected = space[:3]
    # h' sensitivity
    for f in range(len(projected)):
        projected[f] = 0.0
    for a in range(len(loading)):
        for f in range(len(prior_mean)):
            projected[f] += loading[a] * sensitivity[a, f]
    # v + h' sensitivity μ
    for f in range(len(prior_mean)):
        innovation += projected[f] * prior_mean[f]
    for a in range(len(loading)):
        part = gain[a] / variance
        offset[a] += part * innovation
        for f in range(len(projected)):
            sensitivity[a, f] -= part * projected[f]
        for b in range(len(loading)):
            covariance[a, b] -= part * gain[b]
