"""Bad input gives scikit-learn's exception with its text, or its success, and leaves the same estimator behind."""

import numpy as np
import pytest
import sklearn.impute

import fastml.impute
from tests.bad_inputs import DATA, NOT_A_COUNT, frame, good
from tests.outcomes import ADDRESS, assert_same_outcome

PARAMETERS = {
    "n_neighbors": (*NOT_A_COUNT, 1, 19, 20, 21, 10**12),
    "weights": ("uniform", "distance", "word", None, 1, lambda distances: distances, lambda distances: None),
    "metric": ("nan_euclidean", "euclidean", None, 1),
    "missing_values": (np.nan, float("nan"), 0, -1, 1e9, None, "word", np.float32(1), True, [1]),
    "copy": (True, False, 1, None),
    "add_indicator": (True, False, "yes"),
    "keep_empty_features": (True, False, 2),
}


def assert_same(action):
    assert_same_outcome(action, fastml.impute, sklearn.impute)


def gappy():
    X = good()
    X[::3, 0] = X[1::4, 2] = np.nan
    return X


def gappy_of(data):
    """Return what `data` builds, with some NaN where it can hold them."""
    X = DATA[data]()
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind == "f" and X.size and X.flags.writeable:
        X[::3, 0] = np.nan
    return X


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", DATA)
def test_data(data):
    def fit(library, left):
        left["imputer"] = imputer = library.KNNImputer(n_neighbors=2)
        return np.asarray(imputer.fit_transform(gappy_of(data)))

    def fill(library, left):
        left["imputer"] = imputer = library.KNNImputer(n_neighbors=2).fit(gappy())
        return np.asarray(imputer.transform(gappy_of(data)))

    assert_same(fit)
    assert_same(fill)


@pytest.mark.parametrize("data", [name for name in DATA if "frame" in name or "column" in name])
def test_data_for_an_imputer_with_feature_names(data):
    assert_same(lambda library, left: np.asarray(library.KNNImputer().fit(frame()).transform(DATA[data]())))


def parameter_values():
    for parameter, values in PARAMETERS.items():
        for value in values:
            yield pytest.param(parameter, value, id=ADDRESS.sub("0x", f"{parameter}={value!r}")[:60])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parameter", "value"), list(parameter_values()))
def test_parameters(parameter, value):
    """Given to a new imputer, and set after the fit, when scikit-learn looks at them no more."""

    def fit(library, left):
        left["imputer"] = imputer = library.KNNImputer(**{parameter: value})
        return imputer.fit_transform(gappy())

    def change(library, left):
        left["imputer"] = imputer = library.KNNImputer().fit(gappy())
        return imputer.set_params(**{parameter: value}).transform(gappy() + 0.1)

    assert_same(fit)
    assert_same(change)


def test_not_fitted():
    assert_same(lambda library, left: library.KNNImputer().transform(gappy()))


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_output(container):
    pytest.importorskip("pandas" if container == "default" else container)

    def action(library, left):
        imputer = library.KNNImputer(add_indicator=True).set_output(transform=container)
        filled = imputer.fit_transform(frame(values=gappy()))
        names = list(getattr(filled, "columns", imputer.get_feature_names_out()))
        return np.asarray(filled), np.array([ord(name[-1]) for name in names])

    assert_same(action)
