"""The beginning of a program that measures its own memory, to be run in a process of its own on Linux."""

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
