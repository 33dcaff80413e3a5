"""exp and log from operations that IEEE 754 defines to the last bit: prices are the same here and in Go (scheduler/packing/exact.go)."""

import math

_LOG2E = 1.4426950408889634
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10
_LN2 = _LN2_HIGH + _LN2_LOW
_HALF_ROOT = 0.7071067811865476
_LEAST = -700.0
_TERMS = tuple(1 / math.factorial(n) for n in range(13, -1, -1))


def exact_exp(x: float) -> float:
    """The exponential function, to about 1e-15; 0 for x below -700."""
    if x < _LEAST:
        return 0.0
    k = math.floor(x * _LOG2E + 0.5)
    r = x - k * _LN2_HIGH
    r -= k * _LN2_LOW
    total = 0.0
    for term in _TERMS:
        total = total * r + term
    return math.ldexp(total, k)


def exact_log(x: float) -> float:
    """The natural logarithm of x >= 1, to about 1e-14."""
    m, e = math.frexp(x)
    if m < _HALF_ROOT:
        m, e = m * 2, e - 1
    f = (m - 1) / (m + 1)
    square = f * f
    total = 0.0
    for odd in range(17, 0, -2):
        total = total * square + 1 / odd
    return (2 * f) * total + e * _LN2
