"""What tells an assignment to take close calls as scikit-learn's algorithm="elkan" takes them."""

from typing import NamedTuple

import numpy as np


class Elkan(NamedTuple):
    """Distances are summed directly, and a label changes only for a strictly nearer centre.

    halves  (n_clusters + 1, n_clusters)  in   half the distances between the centres, in the last row those to the
                                               nearest other one: for samples without a label, centres beyond are not
                                               looked at. (0, n_clusters): all are
    unsure  (n_samples,)  uint8           out  set to 1 where a label changed by less than rounding could do: whether
                                               scikit-learn looks at that centre hangs on its bounds, and so on the past
    """

    halves: np.ndarray
    unsure: np.ndarray
