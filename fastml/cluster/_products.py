"""Greedy k-means++ by scikit-learn's own operations, where a choice hangs on rounding."""

import numpy as np
from sklearn.utils.extmath import row_norms


class Products:
    """Choices by scikit-learn's own operations, in its order, on float64: nothing can be undecided here.

    Every sum is rounded as it is there, by the same library. What is spared are the checks around them, half of the
    time with little data, and a few temporaries. The memory order of a dense X counts.
    """

    def __init__(self, X, norms, weights, first):
        """Start with a first centre; weights (n_samples,) or None: all 1."""
        self.X, self.norms, self.weights = X, norms.reshape(-1), weights
        self.dense = isinstance(X, np.ndarray)
        self.columns = X.T if self.dense else X.T.tocsr()  # SciPy would convert it for every product
        self.column = np.ones((X.shape[0], 1)) if weights is None else weights.reshape(-1, 1)
        row = X[[first]]
        squares = self._squares(row if self.dense else row.toarray())
        self.closest, self.potential = squares[0], squares @ self.column[:, 0]

    def choose(self, uniform):
        """Return what Distances.choose does, never None; the best becomes a centre."""
        weighted = self.closest if self.weights is None else self.weights * self.closest
        drawn = np.searchsorted(weighted.cumsum(), uniform * self.potential)
        np.minimum(drawn, self.X.shape[0] - 1, out=drawn)
        return drawn, self._add(drawn)

    def follow(self, choices):
        """Make centres of candidates that were chosen elsewhere: pairs as of `choose`."""
        room = None
        for drawn, best in choices[:-1]:
            if self.dense:  # only one row is needed, but alone it might be rounded otherwise
                rows = self.X[drawn]
                room = np.empty((len(drawn), len(self.X))) if room is None else room
                nearest = np.matmul(rows, self.columns, out=room)[best]
            else:
                rows, best = self.X[drawn[[best]]], 0
                nearest = (rows @ self.columns).toarray()[0]
            np.minimum(self.closest, self._finish(nearest, _norms_of(rows)[best]), out=self.closest)
        for drawn, best in choices[-1:]:
            self._add(drawn, best)

    def rest(self, n_more, random_state, n_trials):
        """Choose so many more centres; returns the numbers of the samples."""
        chosen = []
        for _ in range(n_more):
            drawn, best = self.choose(random_state.uniform(size=n_trials))
            chosen.append(int(drawn[best]))
        return chosen

    def _add(self, drawn, best=None):
        """Add the best of the candidates, or that one; returns its place."""
        nearest = self._squares(self.X[drawn])
        np.minimum(self.closest, nearest, out=nearest)
        potentials = nearest @ self.column
        best = potentials.argmin() if best is None else best
        self.potential, self.closest = potentials[best], nearest[best]
        return best

    def _squares(self, rows):
        products = rows @ self.columns
        products = products if isinstance(products, np.ndarray) else products.toarray()
        return self._finish(products, _norms_of(rows)[:, np.newaxis])

    def _finish(self, products, norms):
        """Make squared distances of the products with rows of these norms."""
        products *= -2
        products += norms
        products += self.norms
        return np.maximum(products, 0, out=products)


def _norms_of(rows):
    return np.einsum("ij,ij->i", rows, rows) if isinstance(rows, np.ndarray) else row_norms(rows, squared=True)
