"""Twin of votes.h: what neighbours that were written down vote on."""

import numpy as np

from fastml._kernels._jit import kernel


def count(ballot, distances, indices):
    """Fill in a Ballot.  distances, indices: (n_queries, k)."""
    weights = np.ones(indices.shape)
    if ballot.by_distance:
        weigh(distances, weights)
    if ballot.firsts is None:
        average(ballot.values, indices, weights, ballot.by_distance, ballot.votes)
    elif ballot.winners is None:
        ballot.votes[:] = 0
        tally(ballot.values, ballot.firsts, indices, weights, ballot.votes)
    else:
        elect(ballot.values, ballot.firsts, indices, weights, ballot.by_distance, ballot.winners)


@kernel
def weigh(distances, weights):
    for i in range(len(distances)):
        for j in range(distances.shape[1]):
            weights[i, j] = 1 / distances[i, j] if distances[i, j] else np.inf
        if np.isinf(weights[i]).any():
            weights[i] = np.isinf(weights[i])


@kernel
def tally(values, firsts, indices, weights, votes):
    for i in range(len(indices)):
        for o in range(values.shape[1]):
            for j in range(indices.shape[1]):
                votes[i, firsts[o] + values[indices[i, j], o]] += weights[i, j]


@kernel
def elect(values, firsts, indices, weights, by_distance, winners):
    k = indices.shape[1]
    for i in range(len(indices)):
        for o in range(values.shape[1]):
            votes = np.zeros(firsts[o + 1] - firsts[o])
            terms = np.zeros((len(votes), k))
            for j in range(k):
                label = values[indices[i, j], o]
                votes[label] += weights[i, j]
                terms[label, j] = weights[i, j]
            if by_distance:
                for label in range(len(votes)):
                    votes[label] = sum_as_numpy(terms[label])
            winners[i, o] = np.argmax(votes) if votes.max() > 0 else -1


@kernel
def average(values, indices, weights, by_distance, means):
    k = indices.shape[1]
    terms = np.empty(k)
    for i in range(len(indices)):
        for o in range(values.shape[1]):
            total = 0.0
            for j in range(k):
                terms[j] = values[indices[i, j], o] * weights[i, j]
                total += terms[j]
            if by_distance or values.shape[1] == 1:
                total = sum_as_numpy(terms)
            means[i, o] = total / (sum_as_numpy(weights[i]) if by_distance else k)


@kernel
def sum_as_numpy(terms):
    """Add up in the order in which NumPy does."""
    n = len(terms)
    if n > 128:
        half = n // 2 - n // 2 % 8
        return sum_as_numpy(terms[:half]) + sum_as_numpy(terms[half:])
    r, last = np.zeros(8), n - n % 8
    for i in range(last):
        r[i % 8] += terms[i]
    total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
    for i in range(last, n):
        total += terms[i]
    return total
