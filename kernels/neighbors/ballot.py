"""What the nearest samples of a query are asked to vote on."""

from typing import NamedTuple

import numpy as np


class Ballot(NamedTuple):
    """Votes on classes, or means of targets: a neighbour's weight is 1, or the inverse of its distance.

    k            neighbours that vote
    by_distance  whether those that are nearer count for more, and those in the query's place alone
    values       (n_samples, n_outputs)        in     int64 classes, or float64 targets
    firsts       (n_outputs + 1,)              in     int64: where an output's classes begin in `votes`; None: targets
    winners      (n_queries, n_outputs)        out    int64: the class with most votes, of several the first;
                                                      -1 where none has any; or None
    votes        (n_queries, firsts[-1])       out    votes of each class; None with winners
                 (n_queries, n_outputs)        out    with targets: their means

    Sums have the bits that NumPy gives scikit-learn.
    """

    k: int
    by_distance: bool
    values: np.ndarray
    firsts: np.ndarray | None
    winners: np.ndarray | None
    votes: np.ndarray | None


def elect(labels, firsts, k, by_distance, n_queries):
    """Return an unfilled Ballot for winners."""
    return Ballot(k, by_distance, labels, firsts, np.empty((n_queries, labels.shape[1]), np.int64), None)


def tally(labels, firsts, k, by_distance, n_queries):
    """Return a Ballot for the votes of each class, all zero."""
    return Ballot(k, by_distance, labels, firsts, None, np.zeros((n_queries, firsts[-1])))


def average(targets, k, by_distance, n_queries):
    """Return an unfilled Ballot for means of targets."""
    return Ballot(k, by_distance, targets, None, None, np.empty((n_queries, targets.shape[1])))
