__all__ = ["lazy"]


class lazy:
    """Attribute that is computed when it is first asked for; kept in the instance, where it can be set and deleted.

    Before Python 3.12 ``functools.cached_property`` holds one lock for all instances while it computes: fits in other
    threads wait for it, and a child forked meanwhile for ever.
    """

    def __init__(self, compute):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return vars(instance).setdefault(self.name, self.compute(instance))
