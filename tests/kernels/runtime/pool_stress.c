/* Stress of the thread pool without Python, for the sanitizers: tools/sanitize.sh builds and runs it.
 *
 * usage: pool_stress [regions per thread, 3000 unless given]
 * Exit status 0: every chunk of every region ran once, nested regions too, from eight threads at once and in forked
 * children, and no two threads of a region had one worker number.
 */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 8, CHILDREN = 25, MAX_CHUNKS = 600, MAX_THREADS = 8 };

typedef struct {
    int visits[MAX_CHUNKS];         /* each chunk writes its own: a race only if the pool is wrong */
    atomic_int taken[MAX_THREADS];  /* worker numbers in use */
    int nested, wrong[MAX_CHUNKS];
} region;

static int regions = 3000;
static atomic_int failures;

static void inner(void *ctx, ptrdiff_t i) { ((int *)ctx)[i]++; }

static void body(void *ctx, ptrdiff_t i) {
    region *r = ctx;
    int me = fml_worker();
    r->visits[i]++;
    r->wrong[i] = me < 0 || me >= MAX_THREADS || atomic_exchange(&r->taken[me], 1);
    if (r->nested && i % 16 == 0) {
        int own[5] = {0};
        fml_parallel_for(inner, own, 5, 4);
        for (int k = 0; k < 5; k++) r->wrong[i] |= own[k] != 1;
        r->wrong[i] |= fml_worker() != me;
    }
    atomic_store(&r->taken[me], 0);
}

static int one_region(unsigned *seed) {
    region here = {0}, *r = &here; /* malloc in a child of threads that use it too would wait for ever under gcc 12's asan */
    int n = rand_r(seed) % 4 ? rand_r(seed) % 12 : rand_r(seed) % MAX_CHUNKS, ok = 1;
    r->nested = rand_r(seed) % 3 == 0;
    fml_parallel_for(body, r, n, 1 + rand_r(seed) % MAX_THREADS);
    for (int i = 0; i < MAX_CHUNKS; i++) ok &= r->visits[i] == (i < n) && !r->wrong[i];
    return ok;
}

static void *caller(void *arg) {
    unsigned seed = 1 + (unsigned)(size_t)arg;
    for (int k = 0; k < regions; k++) {
        if (!one_region(&seed)) failures++;
        if (rand_r(&seed) % 64 == 0) usleep(100); /* lets workers fall asleep */
    }
    return NULL;
}

static void fork_children(void) {
    for (unsigned k = 1; k <= CHILDREN; k++) {
        pid_t child = fork();
        if (!child) {
            alarm(60);
            int ok = 1;
            for (int i = 0; i < 20; i++) ok &= one_region(&k);
            _exit(!ok);
        }
        int status;
        waitpid(child, &status, 0);
        if (status) failures++;
    }
}

int main(int argc, char **argv) {
    if (argc > 1) regions = atoi(argv[1]);
    pthread_t threads[CALLERS];
    for (size_t t = 0; t < CALLERS; t++) pthread_create(&threads[t], NULL, caller, (void *)t);
    fork_children(); /* while the callers are in regions */
    for (int t = 0; t < CALLERS; t++) pthread_join(threads[t], NULL);
    fork_children();
    printf("pool stress: %d regions, %d children, %d failures\n", CALLERS * regions, 2 * CHILDREN, failures);
    return failures != 0;
}
