"""Programs that measure their own memory, each in a process of its own on Linux."""

import textwrap

from tests.processes import run

# Large blocks go back to the system at once, so that what was freed before a measurement cannot hide what it takes.
EXACT = {"MALLOC_MMAP_THRESHOLD_": "131072"}

MEASURE = """
    import gc, json, re, sys
    import numpy as np
    import scipy.sparse as sp
    import fastml

    def megabytes(field):
        gc.collect()
        return int(re.search(field + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

    def peak_of(call):
        open("/proc/self/clear_refs", "w").write("5")     # forget the highest resident size so far
        before = megabytes("VmRSS")
        call()
        return megabytes("VmHWM") - before
"""


def growth(setting, call, *, warm_up=100, calls=400):
    """Return by how many megabytes calls let the resident memory grow.

    setting : statements that come first
    call : the expression, in which `i` counts the calls
    """
    program = f"""
    for i in range({warm_up}):
        {call}
    before = megabytes("VmRSS")
    for i in range({calls}):
        {call}
    print(megabytes("VmRSS") - before)
    """
    return float(run("\n".join(map(textwrap.dedent, (MEASURE, setting, program)))))
