"""What Lloyd's driver asks of dense samples beside the loops: shared by lloyd.pyx and lloyd_jit.py."""


def to_device(array):
    """Hand over an array: it is there already."""
    return array


def to_host(array):
    """Take back an array."""
    return array


def row(X, i):
    """Columns and values of a sample."""
    return slice(None), X[i]


def squared_distances(X, centers, labels, rows):
    """Squared distances of a slice of the samples to their centres, by NumPy's order of summation."""
    return ((X[rows] - centers[labels[rows]]) ** 2).sum(axis=1)
