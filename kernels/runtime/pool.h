/* The thread pool of the process. Compiled into fastml._kernels.runtime.pool and nowhere else: a second copy would be
 * a second pool. */
#ifndef FASTML_POOL_H
#define FASTML_POOL_H

#include <stddef.h>

typedef void (*fml_body)(void *ctx, ptrdiff_t i);

/* Calls body(ctx, i) once for every i in 0..n_chunks-1, on at most n_threads threads of which the caller is one, and
 * returns when all calls have returned. Inside a body of a region of several threads it runs inline, on the calling
 * thread. */
void fml_parallel_for(fml_body body, void *ctx, ptrdiff_t n_chunks, int n_threads);

/* 0..n_threads-1, different for the threads that are in one region: the index of a scratch buffer. Never let a result
 * depend on it, chunks are claimed in any order. 0 outside a region. */
int fml_worker(void);

/* Threads that the pool has started in this process. */
int fml_pool_size(void);

#endif
