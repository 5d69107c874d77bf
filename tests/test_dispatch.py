import copy
import gc
import logging
import pickle
import sys
import threading
import timeit
from types import ModuleType

import numpy as np
import pytest
import sklearn.preprocessing
from sklearn.base import clone

import fastml
from fastml import _dispatch
from fastml._dispatch import NotCovered, accelerated, load, record, reports
from tests import fake

X = np.array([[1.0, -1.0], [0.5, 2.0]])


@pytest.fixture
def kernels(monkeypatch):
    """A family of kernels, "toy", of which one lacks its GPU twin."""
    import fastml._kernels

    monkeypatch.setattr(_dispatch, "_kernels", {})
    monkeypatch.setattr(fastml._kernels, "ISA", "v3")
    for name in ("toy", "toy.sum", "toy.sum_jit", "toy.sum_cuda", "toy.min", "toy.min_jit"):
        module = ModuleType(f"fastml._kernels.{name}")
        module.__spec__ = object()
        module.__path__ = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(_dispatch, "_gpu", lambda required: True)
    return fastml._kernels


class Plain:
    def fit(self, x):
        return ("plain", x)

    def both(self, x):
        return self.fit(x)


class Toy(Plain):
    _is_ours = True  # as Accelerated has it

    @accelerated
    def fit(self, x):
        """Fit."""
        if x < 0:
            raise NotCovered("x is negative.")
        if x > 100:
            raise ValueError("too large")
        load("toy.sum")
        record(n_threads=x)
        load("toy.min")
        return ("fast", x)

    @accelerated
    def both(self, x):
        return self.fit(x)


def test_load_follows_the_options(kernels):
    def full_name(name, **options):
        with fastml.config_context(**options):
            return load(name, work=options.pop("work", 0)).__name__.removeprefix("fastml._kernels.")

    assert full_name("toy.sum") == "toy.sum"
    assert full_name("toy.sum", backend="numba") == "toy.sum_jit"
    assert full_name("toy.sum", device="cuda") == "toy.sum_cuda"
    assert full_name("toy.sum", device="cuda", backend="numba") == "toy.sum_cuda"
    assert full_name("toy.min", device="cuda") == "toy.min"
    assert full_name("toy.min", device="cuda", backend="numba") == "toy.min_jit"


def test_auto_takes_the_gpu_for_large_work(kernels, monkeypatch):
    with fastml.config_context(device="auto"):
        assert load("toy.sum").__name__.endswith("sum")
        assert load("toy.sum", work=1e12).__name__.endswith("sum_cuda")
        monkeypatch.setattr(_dispatch, "_gpu", lambda required: False)
        _dispatch._kernels.clear()
        assert load("toy.sum", work=1e12).__name__.endswith("sum")


def test_cuda_without_a_gpu_is_an_error(kernels, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(RuntimeError, match="fastml-kernels\\[cuda\\]"):
        _dispatch._gpu(required=True)
    assert not _dispatch._gpu(required=False)


def test_a_pure_installation_runs_the_numba_twins(kernels, monkeypatch):
    monkeypatch.setattr(kernels, "ISA", None)
    assert load("toy.sum").__name__.endswith("sum_jit")


def test_a_report_names_kernels_and_threads(kernels):
    toy = Toy()
    assert toy.fit(2) == ("fast", 2)
    report = reports(toy)["fit"]
    assert report.kernels == ("toy.sum", "toy.min")
    assert (report.backend, report.isa, report.device, report.n_threads) == ("cython", "v3", "cpu", 2)
    assert report.reason is None
    assert str(report) == "toy.sum + toy.min (cython, v3, cpu, 2 threads)"
    with fastml.config_context(backend="numba"):
        toy.fit(1)
    assert str(reports(toy)["fit"]) == "toy.sum_jit + toy.min_jit (numba, cpu, 1 thread)"


def test_nested_calls_are_told_of_too(kernels):
    toy = Toy()
    toy.both(3)
    assert list(reports(toy)) == ["fit", "both"]
    assert str(reports(toy)["both"]) == str(reports(toy)["fit"])
    toy.both(-1)
    assert reports(toy)["both"].reason == reports(toy)["fit"].reason == "x is negative."
    assert _dispatch._thread.report is None


def test_what_no_kernel_covers_runs_plain_and_says_why(kernels, caplog):
    toy = Toy()
    with caplog.at_level(logging.INFO, "fastml"):
        assert toy.fit(-1) == ("plain", -1)
    assert caplog.messages == ["Toy.fit ran scikit-learn's own code: x is negative."]
    assert reports(toy)["fit"].reason == "x is negative."
    assert str(reports(toy)["fit"]) == "scikit-learn's own code: x is negative."
    assert "x is negative" in repr(reports(toy)["fit"])


def test_strict_refuses_to_run_plain(kernels):
    toy = Toy()
    with fastml.config_context(strict=True):
        with pytest.raises(fastml.FallbackError, match=r"Toy\.fit .*: x is negative\.") as caught:
            toy.fit(-1)
        assert caught.value.__suppress_context__
        assert toy.fit(1) == ("fast", 1)


def test_errors_pass_and_leave_no_report(kernels):
    toy = Toy()
    with pytest.raises(ValueError, match="too large"):
        toy.fit(101)
    assert reports(toy) == {}
    assert _dispatch._thread.report is None


def test_a_users_subclass_falls_back_past_our_class(kernels):
    class Mine(Toy):
        def fit(self, x):
            return ("mine", *super().fit(x))

    assert Mine().fit(-1) == ("mine", "plain", -1)
    assert Mine().both(-1) == ("mine", "plain", -1)


def test_reports_are_kept_by_identity_and_die_with_the_object(kernels):
    class Equal(Toy):
        __hash__ = None

        def __eq__(self, other):
            return True

    one, two = Equal(), Equal()
    one.fit(1)
    assert reports(one)
    assert reports(two) == {}
    key = id(one)
    assert key in _dispatch._reports
    del one
    gc.collect()
    assert key not in _dispatch._reports


def test_reports_stay_out_of_state_pickles_and_copies():
    est = fake.Binarizer().fit(X)
    assert set(vars(est)) == {"threshold", "copy", "n_features_in_", "n_threads_"}
    for other in (copy.copy(est), copy.deepcopy(est), pickle.loads(pickle.dumps(est)), clone(est)):
        assert type(other) is fake.Binarizer
        assert reports(other) == {}


def test_threads_have_reports_of_their_own(kernels):
    toys = [Toy() for _ in range(8)]

    def work(toy, n):
        for _ in range(200):
            toy.fit(n)

    threads = [threading.Thread(target=work, args=(toy, n)) for n, toy in enumerate(toys, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reports(toy)["fit"].n_threads for toy in toys] == list(range(1, 9))


def test_functions_have_reports_too():
    assert fake.binarize(X).tolist() == [[1, 0], [1, 1]]
    assert fake.binarize(X, threshold=-2.0).tolist() == [[1, 1], [1, 1]]
    assert "beyond the fake" in reports(fake.binarize)["binarize"].reason
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match="binarize has no kernel"):
        fake.binarize(X, threshold=-2.0)


def test_the_decorator_keeps_signature_and_docs():
    assert Toy.fit.__doc__ == "Fit."
    assert Toy.fit.__name__ == "fit"
    assert pickle.loads(pickle.dumps(fake.binarize)) is fake.binarize


def test_a_function_needs_its_plain_twin_and_a_method_none():
    with pytest.raises(TypeError, match="needs plain="):

        @accelerated
        def function():
            pass

    with pytest.raises(TypeError, match="takes none"):

        class _Wrong:
            @accelerated(plain=len)
            def fit(self):
                pass


def test_wrapped_methods_still_find_what_they_override():
    # set_output wraps transform; the plain one is wrapped again
    est = fake.Binarizer(threshold=-2.0).set_output(transform="pandas").fit(X)
    assert list(est.transform(X).columns) == ["x0", "x1"]
    assert "beyond the fake" in reports(est)["transform"].reason
    assert type(sklearn.preprocessing.Binarizer.transform(est, X)).__name__ == "DataFrame"


@pytest.mark.timing
def test_the_decorator_costs_little(kernels):
    class Cheap:
        _is_ours = True

        @accelerated
        def fast(self):
            pass

        def slow(self):
            pass

    cheap = Cheap()
    fast, slow = (min(timeit.repeat(call, number=5000, repeat=20)) for call in (cheap.fast, cheap.slow))
    assert fast < 60 * slow  # 1 us, where a call costs 0.03
