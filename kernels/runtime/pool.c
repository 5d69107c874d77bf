/* A pool of sleeping threads behind one parallel loop.
 *
 * 1. A region is a struct on its caller's stack. The one lock guards the list of open regions, who is in them, and the
 *    counts of sleeping and spinning workers. A region is touched only between joining and leaving it, both under the
 *    lock: that is why it may live on the stack.
 * 2. Chunks are claimed one by one with an atomic counter, by the caller too. The caller waits for the workers that
 *    have joined, so one that never got a core costs nothing.
 * 3. Several callers at once make several regions in the list. A call from inside a body runs inline.
 * 4. Workers spin for 20 us, then sleep: regions that follow each other start at once (100 us regions, 10 us apart:
 *    79 us without spinning, 48 with 20 us of it, 47 with 200), and another library's threads keep their cores.
 * 5. After fork() the child has no workers and a fresh lock; its first region starts new workers.
 */
#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define MAX_WORKERS 255
#define SPIN_NS 20000
#define STACK_BYTES (2u << 20) /* musl's default of 128 KiB is too small for a kernel's scratch */

/* musl cannot resolve this model in a module loaded at run time. Under glibc it spares the lazy allocation of the
 * block, which ThreadSanitizer takes for a race. */
#ifdef __GLIBC__
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define THREAD_LOCAL _Thread_local
#endif

typedef struct job {
    fml_body body;
    void *ctx;
    ptrdiff_t n;
    int max_helpers, joined, inside; /* workers allowed, ever in, in now */
    struct job *next;
    _Alignas(64) atomic_ptrdiff_t claimed;
    _Alignas(64) atomic_int busy; /* `inside`, for the caller to spin on */
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER; /* a region was opened */
static pthread_cond_t left = PTHREAD_COND_INITIALIZER; /* the last worker left some region */
static pthread_once_t at_first_region = PTHREAD_ONCE_INIT;
static job *jobs;
static int n_workers, n_asleep, n_spinning;
static atomic_uint epoch; /* counts the regions opened */

static THREAD_LOCAL int in_region;
static THREAD_LOCAL int slot;

static inline void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int new_region_since(unsigned seen) {
    for (long long end = now_ns() + SPIN_NS; now_ns() < end;)
        for (int k = 0; k < 32; k++, pause_cpu())
            if (atomic_load_explicit(&epoch, memory_order_relaxed) != seen) return 1;
    return 0;
}

static void spin_until_left(job *j) {
    for (long long end = now_ns() + SPIN_NS; now_ns() < end;)
        for (int k = 0; k < 32; k++, pause_cpu())
            if (!atomic_load_explicit(&j->busy, memory_order_relaxed)) return;
}

static void claim_all(job *j) {
    ptrdiff_t i;
    while ((i = atomic_fetch_add_explicit(&j->claimed, 1, memory_order_relaxed)) < j->n) j->body(j->ctx, i);
}

static job *joinable(void) { /* under the lock */
    for (job *j = jobs; j; j = j->next)
        if (j->joined < j->max_helpers && atomic_load_explicit(&j->claimed, memory_order_relaxed) < j->n) return j;
    return NULL;
}

static void help(job *j) { /* under the lock, which it releases meanwhile */
    slot = ++j->joined;
    atomic_store_explicit(&j->busy, ++j->inside, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    claim_all(j);
    pthread_mutex_lock(&lock);
    atomic_store_explicit(&j->busy, --j->inside, memory_order_relaxed);
    if (!j->inside) pthread_cond_broadcast(&left);
}

static void *worker(void *arg) {
    char name[16];
    snprintf(name, sizeof name, "fastml-%d", (int)(ptrdiff_t)arg);
#ifdef __APPLE__
    pthread_setname_np(name);
#elif defined(__linux__)
    extern int pthread_setname_np(pthread_t, const char *); /* declared for _GNU_SOURCE only */
    pthread_setname_np(pthread_self(), name);
#endif
    in_region = 1;
    pthread_mutex_lock(&lock);
    for (;;) {
        job *j = joinable();
        if (j) {
            help(j);
            continue; /* once the lock is free, j may be gone */
        }
        unsigned seen = atomic_load_explicit(&epoch, memory_order_relaxed);
        n_spinning++;
        pthread_mutex_unlock(&lock);
        int fresh = new_region_since(seen);
        pthread_mutex_lock(&lock);
        n_spinning--;
        if (!fresh && !joinable()) {
            n_asleep++;
            pthread_cond_wait(&work, &lock);
            n_asleep--;
        }
    }
    return NULL;
}

static void start_workers(int wanted) { /* under the lock. Without them the caller does the work alone. */
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    if (wanted > MAX_WORKERS) wanted = MAX_WORKERS;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals go to Python's threads */
    while (n_workers < wanted && !pthread_create(&thread, &attr, worker, (void *)(ptrdiff_t)(n_workers + 1))) n_workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
}

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void in_parent(void) { pthread_mutex_unlock(&lock); }
static void in_child(void) {
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&work, NULL);
    pthread_cond_init(&left, NULL);
    jobs = NULL;
    n_workers = n_asleep = n_spinning = 0;
}
static void survive_fork(void) { pthread_atfork(before_fork, in_parent, in_child); }

static void run_inline(fml_body body, void *ctx, ptrdiff_t n) {
    int outer = slot;
    slot = 0;
    for (ptrdiff_t i = 0; i < n; i++) body(ctx, i);
    slot = outer;
}

static void open_region(job *j) {
    pthread_mutex_lock(&lock);
    if (n_workers < j->max_helpers) start_workers(j->max_helpers);
    j->next = jobs;
    jobs = j;
    int wake = j->max_helpers - n_spinning;
    if (wake > n_asleep) wake = n_asleep;
    atomic_fetch_add_explicit(&epoch, 1, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    while (wake-- > 0) pthread_cond_signal(&work);
}

static void close_region(job *j) {
    pthread_mutex_lock(&lock);
    job **at = &jobs;
    while (*at != j) at = &(*at)->next;
    *at = j->next; /* from here on nobody can join */
    if (j->inside) {
        pthread_mutex_unlock(&lock);
        spin_until_left(j);
        pthread_mutex_lock(&lock);
        while (j->inside) pthread_cond_wait(&left, &lock); /* the lock decides, not `busy` */
    }
    pthread_mutex_unlock(&lock);
}

void fml_parallel_for(fml_body body, void *ctx, ptrdiff_t n_chunks, int n_threads) {
    ptrdiff_t helpers = n_threads < n_chunks ? n_threads - 1 : n_chunks - 1;
    if (in_region || helpers <= 0) {
        run_inline(body, ctx, n_chunks);
        return;
    }
    pthread_once(&at_first_region, survive_fork);
    job j = {.body = body, .ctx = ctx, .n = n_chunks, .max_helpers = (int)helpers};
    open_region(&j);
    in_region = 1;
    claim_all(&j);
    in_region = 0;
    close_region(&j);
}

int fml_worker(void) { return slot; }

int fml_pool_size(void) {
    pthread_mutex_lock(&lock);
    int size = n_workers;
    pthread_mutex_unlock(&lock);
    return size;
}
