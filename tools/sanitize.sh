#!/usr/bin/env bash
# The pool and the kernels under the sanitizers: thread, then address with undefined behaviour.
#
#   tools/sanitize.sh                     both, C stress of the pool and tests/kernels
#   tools/sanitize.sh pool                the C stress alone (seconds; no Python)
#   tools/sanitize.sh thread|address [pytest arguments, tests/kernels unless given]
#
# Builds in a copy of the tree; needs gcc with its sanitizer libraries, and Python with the packages of `.[test]` and
# Cython, NumPy, SciPy, setuptools. Its findings end the script with an error.
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
cc=${CC:-gcc}
python=$(command -v "${PYTHON:-python}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags() { # of a sanitizer, as the compiler takes it
    case $1 in thread) echo thread ;; address) echo address,undefined ;; esac
}

pool_stress() {
    for kind in thread address; do
        echo "== pool stress, $(flags $kind)"
        "$cc" -std=gnu11 -O1 -g1 -pthread -fsanitize="$(flags $kind)" -fno-sanitize-recover=undefined -Ikernels/runtime \
            kernels/runtime/pool.c tests/kernels/runtime/pool_stress.c -o "$work/stress-$kind"
        TSAN_OPTIONS=die_after_fork=0:halt_on_error=1 "$work/stress-$kind"
    done
}

kernels() { # sanitizer, pytest arguments
    local kind=$1 copy=$work/$1
    shift
    mkdir "$copy"
    tar --exclude='./.*' --exclude=./build --exclude=./dist --exclude='*.so' --exclude='isa_*' --exclude=__pycache__ \
        --exclude='*.egg-info' -cf - . | tar -xf - -C "$copy"
    echo "== kernels, $(flags "$kind"): build"
    (cd "$copy" && FASTML_SANITIZE=$(flags "$kind") "$python" setup.py -q build_ext --inplace)
    # The package as the copy has it, whatever is installed: kernels/ is fastml/_kernels.
    mkdir "$copy/path"
    cp -r "$copy/fastml" "$copy/path/fastml"
    ln -s "$copy/kernels" "$copy/path/fastml/_kernels"
    rm -r "$copy/fastml"
    echo "== kernels, $(flags "$kind"): tests"
    local preload
    preload=$("$cc" -print-file-name="$([ "$kind" = thread ] && echo libtsan.so || echo libasan.so)")
    # One BLAS and OpenMP thread: their libraries are not instrumented, and what they do would be reported.
    # Reports go to files, because pytest keeps what a process writes before it dies.
    (cd "$copy" && env PYTHONPATH="$copy/path" LD_PRELOAD="$preload" PYTHONMALLOC=malloc \
        OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
        ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:log_path=$work/report" \
        UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:log_path=$work/report" \
        TSAN_OPTIONS="die_after_fork=0:report_signal_unsafe=0:exitcode=66:log_path=$work/report" \
        "$python" -m pytest -q -p no:cacheprovider -o pythonpath= "${@:-tests/kernels}") || {
        cat "$work"/report.* 2>/dev/null
        exit 1
    }
}

case ${1:-all} in
    pool) pool_stress ;;
    thread | address) kernels "$@" ;;
    all) pool_stress && kernels thread && kernels address ;;
    *) sed -n '2,9s/^# \?//p' "$source/tools/sanitize.sh" && exit 2 ;;
esac
