"""Bad input gives scikit-learn's exception with its text, or its success, and leaves the same estimator behind."""

import warnings

import numpy as np
import pytest
import sklearn.cluster
from threadpoolctl import threadpool_limits

import fastml.cluster
from tests.bad_inputs import DATA, WEIGHTS, N, frame, good
from tests.outcomes import ADDRESS, assert_same_outcome

from .bad_inputs import INITS, PARAMETERS, K, centers

CLASSES = ("KMeans", "MiniBatchKMeans")
FITS = (("KMeans", "fit"), ("MiniBatchKMeans", "fit"), ("MiniBatchKMeans", "partial_fit"))
ASKS = ("predict", "transform", "score")


@pytest.fixture(scope="module", autouse=True)
def one_thread_for_scikit_learn():
    with threadpool_limits(1):
        yield


def assert_same(action):
    assert_same_outcome(action, fastml.cluster, sklearn.cluster)


def new(library, class_name, **params):
    return getattr(library, class_name)(**({"n_clusters": K, "random_state": 0} | params))


def fitting(class_name, method, X, sample_weight=None, **params):
    """Return the action of fitting a new estimator to what ``X`` and ``sample_weight`` build."""

    def action(library, left):
        left["estimator"] = est = new(library, class_name, **params)
        returned = getattr(est, method)(X(), sample_weight=sample_weight and sample_weight())
        assert method == "fit_predict" or method == "fit_transform" or returned is est
        return None

    return action


def asking(class_name, method, X, train=good, **keywords):
    """Return the action of asking an estimator fitted to ``train()`` about what ``X`` builds."""

    def action(library, left):
        left["estimator"] = est = new(library, class_name).fit(train())
        return getattr(est, method)(X(), **{name: value() for name, value in keywords.items()})

    return action


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(("class_name", "method"), FITS)
def test_data_to_fit(class_name, method, data):
    assert_same(fitting(class_name, method, DATA[data]))


@pytest.mark.parametrize("data", ["read-only", "csr", "int8", "broadcast", "strided", "frame", "NaN", "reversed"])
def test_data_not_to_be_copied(data):
    assert_same(fitting("KMeans", "fit", DATA[data], copy_x=False))


@pytest.mark.parametrize("data", DATA)
def test_data_for_functions(data):
    assert_same(lambda library, left: library.k_means(DATA[data](), K, random_state=0, return_n_iter=True))
    assert_same(lambda library, left: library.kmeans_plusplus(DATA[data](), K, random_state=0))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("method", ASKS)
@pytest.mark.parametrize("class_name", CLASSES)
def test_data_for_a_fitted_model(class_name, method, data):
    assert_same(asking(class_name, method, DATA[data]))


@pytest.mark.parametrize("data", [name for name in DATA if "frame" in name or "column" in name])
@pytest.mark.parametrize("method", ASKS)
def test_data_for_a_model_with_feature_names(method, data):
    assert_same(asking("KMeans", method, DATA[data], train=frame))


@pytest.mark.parametrize("data", ["list", "csr float32", "float16", "NaN float32"])
@pytest.mark.parametrize("method", ASKS)
def test_data_for_a_float32_model(method, data):
    assert_same(asking("KMeans", method, DATA[data], train=lambda: good().astype(np.float32)))


@pytest.mark.parametrize("data", DATA)
def test_second_batch(data):
    def action(library, left):
        left["estimator"] = est = new(library, "MiniBatchKMeans").partial_fit(good())
        est.partial_fit(DATA[data]())

    assert_same(action)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("init", ["k-means++", "random", "given"])
@pytest.mark.parametrize(("class_name", "method"), FITS)
def test_weights_to_fit(class_name, method, init, weights):
    init = centers() if init == "given" else init
    assert_same(fitting(class_name, method, good, WEIGHTS[weights], init=init, n_init=1))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_other_weights(weights):
    given = WEIGHTS[weights]
    assert_same(asking("KMeans", "score", good, sample_weight=given))
    assert_same(lambda library, left: library.kmeans_plusplus(good(), K, sample_weight=given(), random_state=0))
    assert_same(lambda library, left: library.k_means(good(), K, sample_weight=given(), random_state=0))


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("data", ["good", "csr", "float32"])
@pytest.mark.parametrize(("class_name", "method"), FITS)
def test_init(class_name, method, data, init):
    X = {"good": good, "csr": DATA["csr"], "float32": lambda: good().astype(np.float32)}[data]
    assert_same(fitting(class_name, method, X, init=INITS[init]()))


def parameter_values():
    for owner, parameters in PARAMETERS.items():
        for name, values in parameters.items():
            for value in values:
                label = ADDRESS.sub("0x", f"{owner}-{name}={value!r}").replace("\n", "")[:80]
                yield pytest.param(owner, {name: value}, id=label)


@pytest.mark.parametrize(("owner", "params"), list(parameter_values()))
def test_parameters(owner, params):
    if owner in CLASSES:
        assert_same(fitting(owner, "fit", good, **params))
        if owner == "MiniBatchKMeans":
            assert_same(fitting(owner, "partial_fit", good, **params))
    else:
        arguments = {"n_clusters": K, "random_state": 0} | params
        assert_same(lambda library, left: getattr(library, owner)(good(), **arguments))


@pytest.mark.parametrize(("dtype", "scale"), [(np.float64, 1e155), (np.float32, 1e20)])
@pytest.mark.parametrize(("class_name", "method"), FITS)
@pytest.mark.filterwarnings("ignore")
def test_squares_that_overflow(class_name, method, dtype, scale):
    """What comes out has no meaning, in scikit-learn either; but it comes out, and is a model."""
    X = (good() * scale).astype(dtype)
    est = getattr(new(fastml.cluster, class_name), method)(X)
    assert est.cluster_centers_.shape == (K, X.shape[1])
    assert set(est.labels_) | set(est.predict(X)) <= set(range(K))


@pytest.mark.parametrize("method", [*ASKS, "get_feature_names_out"])
@pytest.mark.parametrize("class_name", CLASSES)
def test_not_fitted(class_name, method):
    def action(library, left):
        left["estimator"] = est = new(library, class_name)
        return getattr(est, method)() if method == "get_feature_names_out" else getattr(est, method)(good())

    assert_same(action)


@pytest.mark.parametrize("method", ["fit_predict", "fit_transform"])
@pytest.mark.parametrize("data", ["NaN", "1-d", "words", "csr int64 indices", "one row", "frame with mixed names"])
@pytest.mark.parametrize("class_name", CLASSES)
def test_fit_and_ask(class_name, data, method):
    assert_same(fitting(class_name, method, DATA[data]))


@pytest.mark.parametrize("data", ["NaN", "one row", "one column more", "frame", "words", "no columns", "csr NaN"])
@pytest.mark.parametrize(("class_name", "method"), FITS)
def test_a_failed_fit_leaves_the_fitted_model_as_scikit_learn_does(class_name, method, data):
    def action(library, left):
        left["estimator"] = est = new(library, class_name).fit(frame())
        getattr(est, method)(DATA[data]())

    assert_same(action)


@pytest.mark.parametrize("class_name", CLASSES)
def test_a_parameter_made_bad_after_the_fit(class_name):
    def action(library, left):
        left["estimator"] = est = new(library, class_name).fit(good())
        est.set_params(n_clusters=N + 1).fit(good())

    assert_same(action)


@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e300])
def test_weights_that_make_centers_overflow(weight):
    X = 1e20 * np.random.RandomState(0).normal(size=(60, 3))
    params = {"init": X[:K].copy(), "n_init": 1, "algorithm": "elkan"}
    assert_same(fitting("KMeans", "fit", lambda: X, lambda: np.full(60, weight), **params))


EDITS = {
    "fewer features": lambda c: c[:, :1].copy(),
    "more features": lambda c: np.hstack([c, c]),
    "Fortran": np.asfortranarray,
    "a list": lambda c: c.tolist(),
    "float32": lambda c: c.astype(np.float32),
    "integers": lambda c: c.astype(int),
    "objects": lambda c: c.astype(object),
    "one row": lambda c: c[0],
    "a stack": lambda c: c[np.newaxis],
    "missing": lambda c: c * np.nan,
    "infinite": lambda c: c * np.inf,
    "one missing": lambda c: np.vstack([c[:1] * np.nan, c[1:]]),
    "too large": lambda c: c * 1e160,
    "float16": lambda c: c.astype(np.float16),
    "long double": lambda c: c.astype(np.longdouble),
    "none": lambda c: c[:0],
    "strided": lambda c: np.repeat(c, 2, 0)[::2],
    "one more": lambda c: np.vstack([c, c[:1] + 1]),
    "text": lambda c: "centres",
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("class_name", CLASSES)
def test_centers_that_were_edited(class_name, edit):
    # scikit-learn's own labels of centres of other widths are of what lies beside them
    for method in ("transform",) if "features" in edit else ASKS:

        def action(library, left, method=method):
            est = new(library, class_name, n_init=1).fit(good())
            est.cluster_centers_ = EDITS[edit](est.cluster_centers_.copy())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                return getattr(est, method)(good())

        assert_same(action)


@pytest.mark.parametrize("weight", [1.0, 1e150])
def test_samples_whose_squares_overflow(weight):
    def action(library, left):
        X = good() * 1e160
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            est = new(library, "KMeans", n_init=1).fit(X, sample_weight=np.full(len(X), weight))
            return est.transform(X), est.fit_transform(X, sample_weight=np.full(len(X), weight))

    assert_same(action)
