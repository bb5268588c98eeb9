"""Kubernetes quantities ("500m", "1.5", "2Gi", "1e3") as integers in thousandths, or as a double.

Source: apimachinery's resource.Quantity: MilliValue rounds up; AsApproximateFloat64 multiplies the
canonical whole number by a power of ten, which is why 350m is 0.35000000000000003.
"""

import math
import re
from fractions import Fraction

from teastorm.autoscale.gomath import INT64_MAX

_FORM = re.compile(
    r"([+-]?)(\d+\.?\d*|\.\d+)(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {letter: 1024**power for power, letter in enumerate("KMGTPE", start=1)}


def exact(text: str) -> Fraction:
    """The number a quantity stands for; ValueError if it is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    sign, digits, binary, decimal, exponent = match.groups()
    value = Fraction(digits.rstrip("."))
    if binary:
        value *= _BINARY[binary[0]]
    elif decimal:
        value *= Fraction(10) ** _DECIMAL[decimal]
    elif exponent:
        value *= Fraction(10) ** int(exponent)
    return -value if sign == "-" else value


def milli(text: str) -> int:
    """In thousandths, rounded up; ValueError if it does not fit an int64."""
    value = math.ceil(exact(text) * 1000)
    if abs(value) > INT64_MAX:
        raise ValueError(f"{text!r} is too large")
    return value


def approximate(text: str) -> float:
    """As the controller reads a tolerance: the API server's canonical form, times a power of ten."""
    value = exact(text)
    for scale in (0, 3, 6, 9):
        scaled = value * 10**scale
        if scaled.denominator == 1 or scale == 9:
            whole = math.ceil(scaled)
            return float(whole) if scale == 0 else whole * (1 / 10**scale)
    raise AssertionError("unreachable")
