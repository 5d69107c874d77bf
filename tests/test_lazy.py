from threading import Event, Thread

from fastml._lazy import lazy


class Holder:
    def __init__(self, compute):
        self.compute = compute

    @lazy
    def value(self):
        "What it is."
        return self.compute()


def test_computed_once_and_kept_in_the_instance():
    calls = []
    holder = Holder(lambda: calls.append(1) or 7)
    assert "value" not in vars(holder)
    assert (holder.value, holder.value) == (7, 7)
    assert len(calls) == 1
    assert vars(holder)["value"] == 7
    assert Holder.value.__doc__ == "What it is."
    holder.value = 8
    assert holder.value == 8
    del holder.value
    assert holder.value == 7
    assert len(calls) == 2


def test_nobody_waits_for_another_instance():
    entered, leave = Event(), Event()

    def wait():
        entered.set()
        assert leave.wait(60)

    slow = Thread(target=lambda: Holder(wait).value)
    slow.start()
    assert entered.wait(60)
    values = []
    other = Thread(target=lambda: values.append(Holder(lambda: 3).value))
    other.start()
    other.join(30)
    leave.set()
    slow.join(60)
    assert values == [3]
