"""Go's integer and float arithmetic where it differs from Python's (linux/amd64).

int32 and int64 wrap; integer division truncates toward zero; a float outside the target's range
(NaN included) converts to the smallest integer; dividing by zero gives an infinity or NaN.
"""

import math

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1


def wrap32(value: int) -> int:
    """An int32 after overflow."""
    if INT32_MIN <= value <= INT32_MAX:
        return value
    return (value - INT32_MIN) % 2**32 + INT32_MIN


def wrap64(value: int) -> int:
    """An int64 after overflow."""
    if INT64_MIN <= value <= INT64_MAX:
        return value
    return (value - INT64_MIN) % 2**64 + INT64_MIN


def quotient(numerator: int, denominator: int) -> int:
    """Integer division toward zero; the denominator is not 0."""
    if numerator >= 0 and denominator > 0:
        return numerator // denominator
    size = abs(numerator) // abs(denominator)
    return wrap64(size if (numerator < 0) == (denominator < 0) else -size)


def ratio(numerator: float, denominator: float) -> float:
    """Float division as IEEE 754 has it; both are rounded to doubles first, as in Go."""
    above, below = float(numerator), float(denominator)
    if below:
        return above / below
    if not above or math.isnan(above):
        return math.nan
    return math.copysign(math.inf, above) * math.copysign(1.0, below)


def int32(value: float) -> int:
    """`int32(value)`: truncated; the smallest int32 when it does not fit."""
    return int(value) if -2147483649.0 < value < 2147483648.0 else INT32_MIN


def ceil32(value: float) -> int:
    """`int32(math.Ceil(value))`."""
    return math.ceil(value) if -2147483649.0 < value <= 2147483647.0 else INT32_MIN


def ceil64(value: float) -> int:
    """`int64(math.Ceil(value))`; doubles beyond 2^53 are whole already."""
    return (
        math.ceil(value) if -9223372036854775808.0 <= value < 9223372036854775808.0 else INT64_MIN
    )
