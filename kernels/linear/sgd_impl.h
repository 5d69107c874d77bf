/* The loop over the samples.  Template, see typed.h. */

#define CLOSE (sizeof(T) == 8 ? 1e-10 : 1e-5)    /* of the largest prediction: more than rounding moves one */

/* The factor of the weights goes into them, and what was collected for their average into that. There two terms nearly cancel, so each is
 * rounded as by the axpy of scikit-learn's BLAS, which fuses the first `fused` of them: otherwise an average is off by 1e-10. */
static void NAME(fold)(fml_sgd *s) {
    T *restrict w = s->w, *restrict mean = s->mean_w;
    const T a = s->mean_a, b = 1.0 / s->mean_b, scale = s->scale;
    if (mean) {
        ptrdiff_t j = 0;
        for (; j < s->fused; j++) mean[j] = FMA(a, w[j], mean[j]) * b;
        for (; j < s->d; j++) mean[j] = (mean[j] + a * w[j]) * b;
    }
    if (scale != 1)
        for (ptrdiff_t j = 0; j < s->d; j++) w[j] *= scale;
    s->mean_a = 0, s->mean_b = s->scale = 1;
}

static void NAME(begin)(fml_sgd *s) {
    const T *w = s->w;
    for (ptrdiff_t i = 0; i < s->n; i++) s->order[i] = i;
    s->square = s->size = 0;
    if (is_judged(s))
        for (ptrdiff_t j = 0; j < s->d; j++) s->square += (double)w[j] * w[j], s->size += fabs(w[j]);
    s->scale = s->mean_b = 1;
    s->mean_a = s->u = s->reach = 0;
    if (s->penalty == FML_L2) s->l1_ratio = 0;
    if (s->penalty == FML_L1) s->l1_ratio = 1;
    s->eta = s->eta0;
    if (s->schedule == FML_OPTIMAL) {
        const double typical = sqrt(1.0 / sqrt(s->alpha)), slope = fml_gradient(s->loss, s->bound, 1.0, -typical);
        s->optimal_init = 1.0 / (typical / (slope > 1.0 ? slope : 1.0) * s->alpha);
    }
    s->best = INFINITY;
    s->epoch = s->no_improvement = 0;
    s->state = FML_RUNNING;
    fml_sgd_begin_epoch(s);
}

static int NAME(is_finite)(const T *w, ptrdiff_t d) {
    int n_bad = 0;                   /* w - w is 0 unless w is NaN or infinite */
    for (ptrdiff_t j = 0; j < d; j++) n_bad |= !(w[j] - w[j] == 0);
    return !n_bad;
}

/* After the last sample of an epoch. */
static void NAME(end_epoch)(fml_sgd *s, ptrdiff_t n_learnt) {
    if (!isfinite(s->intercept) || !NAME(is_finite)(s->w, s->d)) {
        s->epoch++;
        s->state = FML_OVERFLOW;
    } else if (s->is_scored) s->state = FML_WAITING;
    else fml_sgd_judge(s, s->objective / n_learnt, s->best - s->tol);
}

/* Draws ahead, and has the row, target and weight fetched that come up FML_AHEAD samples later. */
FML_INLINE void NAME(look_ahead)(fml_sgd *s, int32_t *order, const int sparse) {
    fml_sgd_draw(s, order);
    const ptrdiff_t i = order[s->drawn - 1];
    const T *x = s->X;
    if (sparse) {
        const ptrdiff_t first = s->indptr[i], length = s->indptr[i + 1] - first;
        fml_fetch(x + first, length * (ptrdiff_t)sizeof(T));
        fml_fetch(s->indices + first, length * (ptrdiff_t)sizeof(int32_t));
    } else fml_fetch(x + i * s->d, s->d * (ptrdiff_t)sizeof(T));
    if (s->codes) __builtin_prefetch(s->codes + i);
    else __builtin_prefetch((const T *)s->y + i);
    if (s->weights) __builtin_prefetch((const T *)s->weights + i);
}

FML_INLINE void NAME(learn)(fml_sgd *s, ptrdiff_t n_rows, const int sparse) {
    T *const w = s->w, *const mean_w = s->mean_w, *const q = s->q;
    int32_t *const order = s->order;
    const ptrdiff_t n = s->n, d = s->d;
    const int schedule = s->schedule, penalty = s->penalty, is_aggressive = schedule >= FML_PA1;
    const int judged = is_judged(s);
    const int norms = !judged || is_aggressive || !penalty ? 0 : penalty == FML_L2 ? 1 : 2;
    const double alpha = s->alpha, l1_ratio = s->l1_ratio, bound = s->bound, eta0 = s->eta0;
    const int has_jump = !is_aggressive && (s->loss == FML_HINGE || s->loss == FML_EPSILON);
    double eta = s->eta, t = s->t, reach = s->reach, carried = 0;
    const int is_watched = s->is_watched && !s->epoch;
    int is_carried = 0, is_doubtful = 0;

    const ptrdiff_t end = n_rows < n - s->at ? s->at + n_rows : n;
    for (; s->at < end; s->at++) {
        while (s->drawn < n && s->drawn <= s->at + FML_AHEAD) NAME(look_ahead)(s, order, sparse);
        const ptrdiff_t i = order[s->at];
        if (s->held_out && s->held_out[i]) continue;
        const T *x = s->X;
        const int32_t *indices = NULL;
        ptrdiff_t length = d;
        if (sparse) {
            const ptrdiff_t first = s->indptr[i];
            length = s->indptr[i + 1] - first;
            x += first, indices = s->indices + first;
            if (d >= FML_FAR && s->at + 1 < n) {
                const ptrdiff_t following = order[s->at + 1];
                for (ptrdiff_t e = s->indptr[following]; e < s->indptr[following + 1]; e++) __builtin_prefetch(w + s->indices[e], 1);
            }
        } else x += i * d;

        double raw = carried;
        if (!is_carried) raw = sparse ? NAME(dot_csr)(w, x, indices, length) : NAME(dot)(w, x, d);
        is_carried = 0;
        is_doubtful |= is_watched & !(raw - raw == 0);   /* NaN and infinity are, times whatever weight */
        double p = (T)(raw * s->scale) + s->intercept;
        const double y = s->codes ? (s->codes[i] == s->positive ? 1.0 : s->negative) : ((const T *)s->y)[i];
        if (has_jump) {
            /* On which side of the jump a sample lies is decided as scikit-learn adds up: the weights are then its own bits. */
            reach = fabs(p) > reach ? fabs(p) : reach;
            if (fml_from_jump(s->loss, bound, y, p) <= CLOSE * (reach + bound))
                p = (T)(NAME(dot_in_order)(w, x, indices, length) * s->scale) + s->intercept;
        }
        if (schedule == FML_OPTIMAL) eta = 1.0 / (alpha * (s->optimal_init + t - 1));
        else if (schedule == FML_INVSCALING) eta = eta0 / pow(t, s->power_t);

        if (judged) {
            s->objective += fml_loss(s->loss, bound, y, p);
            if (!is_aggressive && penalty) {
                const T length_w = sqrt(s->square), size_w = s->size;
                s->objective += alpha * ((1 - l1_ratio) * 0.5 * (length_w * length_w) + l1_ratio * size_w);
            }
            if (!is_aggressive && s->one_class) s->objective += s->intercept * alpha;
        }

        double update;
        if (is_aggressive) {
            const double square = NAME(square)(x, length), loss = fml_loss(s->loss, bound, y, p);
            if (schedule == FML_PA1 && square == 0) continue;
            update = schedule == FML_PA2 ? loss / (square + 0.5 / eta0) : loss / square < eta0 ? loss / square : eta0;
            if (s->loss == FML_HINGE) update *= y;
            else if (y - p < 0) update *= -1;
        } else {
            const double slope = fml_gradient(s->loss, bound, y, p);
            update = -eta * (slope < -1e12 ? -1e12 : slope > 1e12 ? 1e12 : slope);
        }
        update *= (T)(y > 0.0 ? s->weight_pos : s->weight_neg) * (s->weights ? ((const T *)s->weights)[i] : (T)1);

        if (penalty >= FML_L2) {
            const double shrinking = 1.0 - (1.0 - l1_ratio) * eta * alpha;
            const T factor = shrinking > 0 ? shrinking : 0;
            s->scale *= factor;
            s->square *= factor * factor;
            s->size *= fabs(factor);
            if (s->scale < (sizeof(T) == 8 ? 1e-9 : 1e-6)) NAME(fold)(s);
        }
        const T step = (T)update / (T)s->scale;
        if (update != 0.0) {
            double square = 0, size = 0;
            if (sparse) NAME(add_csr)(w, x, indices, length, step, norms, &square, &size);
            else if (norms > 1 || q) NAME(add)(w, x, step, NULL, d, 2, &square, &size);
            else {
                const ptrdiff_t following = s->at + 1 < n ? order[s->at + 1] : i;
                const T *next = (const T *)s->X + following * d;
                carried = norms ? NAME(add)(w, x, step, next, d, 1, &square, &size) : NAME(add)(w, x, step, next, d, 0, &square, &size);
                is_carried = !s->held_out || !s->held_out[following];
            }
            const T scale = s->scale;
            s->square = square * (scale * scale);
            s->size = size * scale;
        }
        if (s->fit_intercept) {
            const double change = s->one_class ? update - eta * alpha : update;
            if (change != 0) s->intercept += change * s->intercept_decay;
        }
        if (mean_w && s->average <= t) {
            const T n_averaged = t - s->average + 1;
            const double mu = 1.0 / n_averaged, back = -(T)update / s->scale;
            if (update != 0.0)
                for (ptrdiff_t e = 0; e < length; e++) mean_w[sparse ? indices[e] : e] += s->mean_a * x[e] * back;
            if (n_averaged > 1) s->mean_b /= 1.0 - mu;
            s->mean_a += mu * s->mean_b * s->scale;
            s->mean_intercept += (s->intercept - s->mean_intercept) / (t - s->average + 1);
        }
        if (q) {
            s->u += l1_ratio * eta * alpha;
            if (!sparse) NAME(shrink_all)(w, q, s->scale, s->u, d);
            else
                for (ptrdiff_t e = 0; e < length; e++) NAME(shrink)(w + indices[e], q + indices[e], s->scale, s->u);
        }
        t += 1;
    }
    s->eta = eta, s->t = t, s->reach = reach, s->is_doubtful |= is_doubtful;
}

static void NAME(run)(fml_sgd *s, ptrdiff_t n_rows) {
    ptrdiff_t n_learnt = s->n;
    if (s->held_out)
        for (ptrdiff_t i = 0; i < s->n; i++) n_learnt -= s->held_out[i];
    while (s->state == FML_RUNNING && n_rows > 0) {
        const ptrdiff_t first = s->at;
        if (s->indptr) NAME(learn)(s, n_rows, 1);
        else NAME(learn)(s, n_rows, 0);
        n_rows -= s->at - first;
        if (s->at == s->n) NAME(end_epoch)(s, n_learnt);
    }
}
