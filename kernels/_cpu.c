/* The instruction set levels that this CPU and its operating system run.
 *
 * By CPUID and not by __builtin_cpu_supports: clang refuses several of the names at compile time, and one clang in
 * use answers 0 to everything.
 */
#include <Python.h>

static const char *const names[] = {"base", "v2", "v3", "v4"};

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

static int level(void) { /* 1 = plain x86-64, 2, 3, 4 = x86-64-v2, v3, v4 */
    unsigned a, b, c, d, c1, b7 = 0, c81, xcr0 = 0;
    if (!__get_cpuid(0x80000001, &a, &b, &c81, &d) || !__get_cpuid(1, &a, &b, &c1, &d)) return 1;
    if (__get_cpuid_max(0, NULL) >= 7) __cpuid_count(7, 0, a, b7, c, d);
    if (c1 >> 27 & 1) __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(d) : "c"(0)); /* registers that the system saves */
    const unsigned v2 = 1u | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23;     /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt */
    const unsigned v3 = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29;         /* fma movbe osxsave avx f16c */
    const unsigned v3b = 1u << 3 | 1u << 5 | 1u << 8;                                 /* bmi1 avx2 bmi2 */
    const unsigned v4b = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;        /* avx512 f dq cd bw vl */
    if ((c1 & v2) != v2 || !(c81 & 1)) return 1;                                      /* lahf */
    if ((c1 & v3) != v3 || (b7 & v3b) != v3b || !(c81 >> 5 & 1) || (xcr0 & 6) != 6) return 2; /* lzcnt */
    return (b7 & v4b) != v4b || (xcr0 & 0xe6) != 0xe6 ? 3 : 4;
}
static const int lowest = 2;
#else
static int level(void) { return 1; }
static const int lowest = 1;
#endif

/* Best first. An x86-64 CPU below v2 runs nothing that is built. */
static PyObject *levels(PyObject *self, PyObject *none) {
    int best = level();
    PyObject *out = PyTuple_New(best < lowest ? 0 : best - lowest + 1);
    for (int i = 0; out && best - i >= lowest; i++) {
        PyObject *name = PyUnicode_FromString(names[best - i - 1]);
        if (!name) {
            Py_CLEAR(out);
            break;
        }
        PyTuple_SET_ITEM(out, i, name);
    }
    return out;
}

static PyMethodDef methods[] = {
    {"levels", levels, METH_NOARGS, "Names of the instruction set levels that this CPU runs, best first."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_cpu", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__cpu(void) { return PyModuleDef_Init(&module); }
