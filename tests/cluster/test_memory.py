"""Memory: bounded while a fit runs, given back when it is over."""

import json
import sys

import pytest

from tests.memory import EXACT, MEASURE, growth
from tests.processes import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEGABYTE = 2**20

MAKE = """
    from fastml.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus
"""

FITS = {
    "lloyd": "KMeans(64, init='random', n_init=1, max_iter=5, random_state=0).fit(X)",
    "elkan": "KMeans(64, init='random', n_init=1, max_iter=5, random_state=0, algorithm='elkan').fit(X)",
    "float32": "KMeans(64, init='random', n_init=1, max_iter=5, random_state=0).fit(X32)",
    "weights": "KMeans(64, init='random', n_init=2, max_iter=5, random_state=0).fit(X, sample_weight=w)",
    "seeding": "KMeans(64, max_iter=2, random_state=0).fit(X)",
    "kmeans_plusplus": "kmeans_plusplus(X, 64, random_state=0)",
    "many clusters": "KMeans(512, init='random', n_init=1, max_iter=3, random_state=0).fit(X)",
    "minibatch": "MiniBatchKMeans(64, init='random', n_init=1, max_iter=1, random_state=0).fit(X)",
    "predict": "model.predict(X)",
    "score": "model.score(X)",
    "sparse": "KMeans(64, init='random', n_init=1, max_iter=3, random_state=0).fit(S)",
    "sparse elkan": "KMeans(64, init='random', n_init=1, max_iter=3, random_state=0, algorithm='elkan').fit(S)",
    "sparse seeding": "kmeans_plusplus(S, 64, random_state=0)",
}


@pytest.fixture(scope="module")
def peaks():
    """Measure the extra memory, in MB, of calls on 200,000 x 16 (25.6 MB) and on a CSR matrix of the same size."""
    program = (
        MEASURE
        + MAKE
        + """
    fits = json.loads(sys.argv[1])
    fastml.set_config(n_threads=4, strict=True)
    X = np.random.RandomState(0).uniform(size=(200_000, 16))
    X32, w = X.astype(np.float32), np.ones(len(X))
    S = sp.random(200_000, 400, 0.02, format="csr", random_state=np.random.RandomState(0))
    model = KMeans(64, init="random", n_init=1, max_iter=1, random_state=0).fit(X[:1000])
    KMeans(3, n_init=1, max_iter=1, random_state=0).fit(S[:1000])
    print(json.dumps({name: peak_of(lambda: eval(call)) for name, call in fits.items()}))
    """
    )
    return json.loads(run(program, json.dumps(FITS), **EXACT))


@pytest.mark.parametrize("name", FITS)
def test_peak(peaks, name):
    """A fit may copy X and keep a few numbers a row. One number a row and cluster would be 102 MB (many: 819 MB).

    While k-means++ runs there is a copy in float32 besides.
    """
    copy = {"float32": 12.8, "predict": 0, "score": 0, "seeding": 25.6 + 12.8, "kmeans_plusplus": 12.8}.get(name, 25.6)
    rows = 200_000 * 50 / MEGABYTE  # 50 bytes a row
    assert peaks[name] < copy + rows + 6


LEAKS = {
    "lloyd": "KMeans(5, n_init=1, random_state=i).fit(X)",
    "elkan": "KMeans(5, n_init=1, random_state=i, algorithm='elkan').fit(X, sample_weight=w)",
    "minibatch": "MiniBatchKMeans(5, n_init=1, max_iter=2, random_state=i).fit(X)",
    "partial_fit": "online.partial_fit(X[:100])",
    "sparse": "KMeans(5, n_init=1, random_state=i).fit(S).predict(S)",
    "answers": "model.predict(X), model.transform(X), model.score(X)",
    "kmeans_plusplus": "kmeans_plusplus(X, 5, random_state=i)",
    "failures": "fails(i)",
    "new threads": "threads(i)",
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_thousand_calls_leave_nothing(name):
    setting = (
        MAKE
        + """
    import threading
    fastml.set_config(n_threads=2)
    X = np.random.RandomState(0).randn(500, 6)
    w, S = np.ones(500), sp.csr_matrix(X * (X > 0))
    model, online = KMeans(5, random_state=0).fit(X), MiniBatchKMeans(5, random_state=0)

    def fails(i):
        try:
            KMeans(501 if i % 2 else 5).fit(X * (1 if i % 2 else np.nan))
        except ValueError:
            pass

    def threads(i):
        other = threading.Thread(target=lambda: KMeans(3, n_init=1, random_state=i).fit(X))
        other.start()
        other.join()
    """
    )
    assert abs(growth(setting, LEAKS[name], warm_up=200, calls=1000)) < 5
