"""What scikit-learn's algorithm="elkan" decides by its bounds, where only rounding tells the nearest centres apart.

It looks at no centre that the bounds rule out; and the bounds of a sample follow from all centres since the first. So
where one of the two nearest centres is to be taken by rounding, scikit-learn's own code follows that sample from there.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.cluster import _k_means_elkan as plain
from sklearn.metrics.pairwise import euclidean_distances  # which is never replaced

LEAST_ROOM = 1 << 20  # elements of a trail
FEW = 1 << 17  # multiply-adds up to which a look at distances costs less than to follow samples


def half_distances(centers):
    """Half the distances between centres, rounded as scikit-learn rounds them. O(n_clusters^2 * n_features).

    Returns
    -------
    ndarray of shape (n_clusters + 1, n_clusters)
        The last row holds those to the nearest other centre.
    """
    halves = euclidean_distances(centers) / 2
    return np.vstack([halves, np.partition(halves, kth=min(1, len(centers) - 1), axis=0)[:2][-1:]])


class _Step:
    """Centres of one iteration, half their distances once they were asked for, and how far they moved in it."""

    def __init__(self, centers):
        self.centers, self.shift, self.halves = centers, None, None


class _Followed:
    """Samples with scikit-learn's bounds, labels, and their labels in the iteration before.

    rows : (n_rows,) int, their numbers among all.
    """

    def __init__(self, rows, X, n_clusters):
        self.rows, self.X, self.n_steps = rows, X, 0
        self.kind = "sparse" if issparse(X) else "dense"
        self.upper, self.lower = np.zeros(len(rows), X.dtype), np.zeros((len(rows), n_clusters), X.dtype)
        self.labels, self.before = np.full((2, len(rows)), -1, np.int32)
        self.weights, self.totals = np.ones(len(rows), X.dtype), np.zeros(n_clusters, X.dtype)  # read by nobody

    def follow(self, trail):
        """Go on to the last step. O(n_rows * n_clusters * n_features) a step, and half the distances."""
        for number in range(self.n_steps, len(trail.steps)):
            centers, halves = trail.steps[number].centers, trail.halves(number)
            between, nearest, bounds = halves[:-1], halves[-1], (self.upper, self.lower)
            if number == 0:
                start = getattr(plain, f"init_bounds_{self.kind}")
                start(self.X, centers, between, self.labels, *bounds, n_threads=1)
            else:
                shift = trail.steps[number - 1].shift
                self.upper += shift[self.labels]
                np.maximum(self.lower - shift, 0, out=self.lower)
                self.before[:] = self.labels
            step = getattr(plain, f"elkan_iter_chunked_{self.kind}")
            sums = centers, self.totals  # neither is written
            step(self.X, self.weights, centers, *sums, between, nearest, *bounds, self.labels, self.totals, 1, False)
        self.n_steps = len(trail.steps)


class Trail:
    """The centres of all iterations so far, from which the bounds of any sample follow.

    It takes no more than scikit-learn's bounds and the samples together: a longer one is given up.

    Parameters
    ----------
    X : {ndarray, csr_matrix} of shape (n_samples, n_features)
    n_clusters : int
    """

    def __init__(self, X, n_clusters):
        self.X, self.n_clusters = X, n_clusters
        self.room = X.size + X.shape[0] * n_clusters + LEAST_ROOM
        self.steps, self.followed, self.complete = [], [], True

    def add(self, centers, shift):
        """Append the centres of an iteration.

        shift : how far they moved since the last one.
        """
        self.room -= centers.size
        if self.room <= 0:
            self._forget_halves()
        self.complete &= self.room > 0
        if not self.complete:
            self.steps, self.followed = [], []
            return
        if self.steps:
            self.steps[-1].shift = shift.copy()
        self.steps.append(_Step(centers.copy()))

    def _forget_halves(self):
        for step in self.steps:
            if step.halves is not None:
                self.room += step.halves.size
                step.halves = None

    def halves(self, number):
        """Half the distances of the centres of a step; kept where there is room."""
        step = self.steps[number]
        if step.halves is not None:
            return step.halves
        halves = half_distances(step.centers)
        if self.room > halves.size:
            self.room -= halves.size
            step.halves = halves
        return halves

    def in_doubt(self, rows):
        """Leave out samples of which the bounds cannot keep scikit-learn from a look at the two nearest centres.

        That is so where, by more than rounding, they are farther than half the distance between these two, and than
        lower bounds of both may be: distances before the last movement, less it. The own centre need not be known: its
        distance is an upper bound's least value. In float32 most close calls are such; of many samples it is not asked.

        Returns
        -------
        (n_in_doubt,) int, ascending
        """
        now, past, n_features = self.steps[-1], self.steps[-2], self.X.shape[1]
        if issparse(self.X) or self.n_clusters < 3 or len(rows) * now.centers.size > FEW:
            return rows
        X, centers = self.X[rows, None].astype(np.float64), now.centers.astype(np.float64)
        squares = ((X - centers) ** 2).sum(axis=2)
        order = np.argpartition(squares, (1, 2), axis=1)
        first, second = pair = order[:, :2].T
        nearest, third = (np.take_along_axis(squares, order[:, j : j + 1], axis=1)[:, 0] for j in (0, 2))
        reach = np.sqrt(nearest) + 2 * np.sqrt((centers**2).sum(axis=1).max())
        rounding = 16 * (n_features + 64) * np.finfo(self.X.dtype).eps * nearest
        rounding += 8 * (n_features + 4) * np.finfo(np.float64).eps * reach**2  # of half distances
        halves = ((centers[first] - centers[second]) ** 2).sum(axis=1) / 4
        lower = np.sqrt(((X[:, 0] - past.centers[pair]) ** 2).sum(axis=2)) - past.shift[pair]
        bounds = np.maximum(np.maximum(lower, 0).max(axis=0) ** 2, halves)
        return rows[~((bounds < nearest - rounding) & (third > nearest + rounding))]

    def last_labels(self, rows):
        """Labels in the last two iterations, by scikit-learn's own code.

        Parameters
        ----------
        rows : (n_rows,) int, ascending
            Numbers of the samples.

        Returns
        -------
        two ndarrays of shape (n_rows,), int32
        """
        before, labels = np.empty((2, len(rows)), np.int32)
        known = np.concatenate([np.empty(0, np.intp), *(group.rows for group in self.followed)])
        left = np.isin(rows, known, invert=True)
        if left.any():
            self.followed.append(_Followed(rows[left], self.X[rows[left]], self.n_clusters))
        for group in self.followed:
            _, here, there = np.intersect1d(rows, group.rows, return_indices=True)
            if len(here):
                group.follow(self)
                before[here], labels[here] = group.before[there], group.labels[there]
        return before, labels
