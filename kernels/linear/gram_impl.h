/* Included by gram.h for each type T of the samples. */

/* Lay rows, less the shift, out in panels of eight columns, and add up the columns, by weight. */
static void FML_LOAD(const fml_gram *task, ptrdiff_t first, ptrdiff_t n_rows, double *restrict panels,
                     double *restrict sums) {
    const ptrdiff_t p = task->p, t = task->t, side = FML_PANEL_ROWS * FML_LANES;
    const ptrdiff_t whole = task->column_step == 1 ? p / FML_LANES * FML_LANES : 0;
    const T *X = (const T *)task->X + first * task->row_step;
    const double *y = task->y + first * t, *shift = task->shift;
    const double *weights = task->weights ? task->weights + first : NULL;
    for (ptrdiff_t j = p + t; j < fml_panels(p + t) * FML_LANES; j++)
        for (ptrdiff_t r = 0; r < n_rows; r++)
            panels[j / FML_LANES * side + r * FML_LANES + j % FML_LANES] = 0;
    for (ptrdiff_t r = 0; r < n_rows; r++) {
        const T *row = X + r * task->row_step;
        const double weight = weights ? weights[r] : 1;
        for (ptrdiff_t j = 0; j < whole; j += FML_LANES) {
            double *to = panels + j / FML_LANES * side + r * FML_LANES;
            for (int lane = 0; lane < FML_LANES; lane++) {
                to[lane] = row[j + lane] - shift[j + lane];
                sums[j + lane] += weight * to[lane];
            }
        }
    }
    for (ptrdiff_t j = whole; j < p + t; j++) {
        double *to = panels + j / FML_LANES * side + j % FML_LANES, sum = 0;
        for (ptrdiff_t r = 0; r < n_rows; r++) {
            const double value = j < p ? X[r * task->row_step + j * task->column_step] : y[r * t + j - p];
            to[r * FML_LANES] = value - shift[j];
            sum += (weights ? weights[r] : 1) * to[r * FML_LANES];
        }
        sums[j] = sum;
    }
}
