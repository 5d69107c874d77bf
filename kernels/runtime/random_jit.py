"""Twin of random.pyx. The single draws are for other twins to call."""

import numpy as np

from fastml._kernels._jit import kernel

MT_WORDS, MT_SHIFT = 624, 397


@kernel
def xorshift(seed):
    s = seed[0] if seed[0] else np.uint32(1)
    s ^= np.uint32(s << np.uint32(13))
    s ^= np.uint32(s >> np.uint32(17))
    s ^= np.uint32(s << np.uint32(5))
    seed[0] = s
    return np.uint32(s & np.uint32(0x7FFFFFFF))


@kernel
def mt_refill(mt):
    for k in range(MT_WORDS):
        low = mt[(k + 1) % MT_WORDS]
        y = (mt[k] & np.uint32(0x80000000)) | (low & np.uint32(0x7FFFFFFF))
        mt[k] = mt[(k + MT_SHIFT) % MT_WORDS] ^ (y >> np.uint32(1)) ^ (np.uint32(0x9908B0DF) * (low & np.uint32(1)))
    mt[MT_WORDS] = 0


@kernel
def mt_next(mt):
    if mt[MT_WORDS] >= MT_WORDS:
        mt_refill(mt)
    y = mt[mt[MT_WORDS]]
    mt[MT_WORDS] += 1
    y ^= y >> np.uint32(11)
    y ^= np.uint32(y << np.uint32(7)) & np.uint32(0x9D2C5680)
    y ^= np.uint32(y << np.uint32(15)) & np.uint32(0xEFC60000)
    return np.uint32(y ^ (y >> np.uint32(18)))


@kernel
def mt_double(mt):
    a = mt_next(mt) >> np.uint32(5)
    b = mt_next(mt) >> np.uint32(6)
    return (a * 67108864.0 + b) / 9007199254740992.0


@kernel
def mt_bounded(mt, last):
    if last == np.uint64(0):
        return np.uint64(0)
    mask = last
    for shift in (1, 2, 4, 8, 16, 32):
        mask |= mask >> np.uint64(shift)
    while True:
        value = np.uint64(mt_next(mt))
        if last > np.uint64(0xFFFFFFFF):
            value = (value << np.uint64(32)) | np.uint64(mt_next(mt))
        value &= mask
        if value <= last:
            return value


@kernel
def rand_r(seed, out):
    for i in range(len(out)):
        out[i] = xorshift(seed)


@kernel
def seed(mt, value):
    mt[0] = value
    for k in range(1, MT_WORDS):
        before = np.uint64(mt[k - 1] ^ (mt[k - 1] >> np.uint32(30)))
        mt[k] = np.uint32((np.uint64(1812433253) * before + np.uint64(k)) & np.uint64(0xFFFFFFFF))
    mt[MT_WORDS] = MT_WORDS


@kernel
def random_sample(mt, out):
    for i in range(len(out)):
        out[i] = mt_double(mt)


@kernel
def randint(mt, low, high, out):
    for i in range(len(out)):
        out[i] = low + np.int64(mt_bounded(mt, np.uint64(high - 1 - low)))


@kernel
def shuffle(mt, x):
    for i in range(len(x) - 1, 0, -1):
        j = np.int64(mt_bounded(mt, np.uint64(i)))
        x[i], x[j] = x[j], x[i]


@kernel
def permutation(mt, order):
    for i in range(len(order)):
        order[i] = i
    shuffle(mt, order)


@kernel
def count_draws(mt, n_draws, counts):
    fit = True
    for _ in range(n_draws):
        place = mt_bounded(mt, np.uint64(len(counts) - 1))
        fit &= counts[place] < 255
        counts[place] += np.uint8(1)
    return fit
