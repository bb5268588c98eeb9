"""A line of a case file decoded: its family found, and what is wrong with it said in a sentence."""

import re
from collections.abc import Callable

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from teastorm.autoscale.case_lines import (
    Case,
    OneCall,
    RecommendationSteps,
    SampleSteps,
    SeveralMetrics,
)
from teastorm.autoscale.fields import FieldError

type _Decode = Callable[[bytes], Case]
_ONE_CALL: _Decode = Decoder(OneCall).decode
_SEVERAL_METRICS: _Decode = Decoder(SeveralMetrics).decode
_SAMPLE_STEPS: _Decode = Decoder(SampleSteps).decode
_RECOMMENDATION_STEPS: _Decode = Decoder(RecommendationSteps).decode

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MISSING = re.compile(r"Object missing required field `(.+)`")
_ABSENT = Raw()


class _Head(Struct, gc=False):
    """The keys that tell a family."""

    function: Raw = _ABSENT
    metrics: Raw = _ABSENT
    metric: Raw = _ABSENT


_HEAD = Decoder(_Head)


class NotJson(FieldError):
    """The line is no JSON at all."""


class CaseReader:
    """Reads lines one after the other. Not safe for use by two threads at once."""

    def __init__(self) -> None:
        self._decode = _ONE_CALL

    def read(self, line: bytes) -> Case:
        """The case; FieldError (NotJson) in one sentence if the line is none.

        Files hold one family mostly, so the last one is tried first. No family's line passes for
        another's: what tells a family is required in its own and must be null in those after it.
        """
        if not line.isascii():
            _check_text(line)
        try:
            return self._decode(line)
        except (DecodeError, RecursionError):
            return self._find(line)

    def _find(self, line: bytes) -> Case:
        try:
            head = _HEAD.decode(line)
            self._decode = _family(head)
            return self._decode(line)
        except ValidationError as error:
            raise FieldError(_sentence(str(error))) from error
        except DecodeError as error:
            if not line.strip():
                raise NotJson("it is empty") from error
            raise NotJson(str(error).removeprefix("JSON is malformed: ")) from error
        except RecursionError as error:
            raise NotJson("it is nested too deeply") from error


def _family(head: _Head) -> _Decode:
    if _given(head.function):
        return _ONE_CALL
    if _given(head.metrics):
        return _SEVERAL_METRICS
    return _SAMPLE_STEPS if _given(head.metric) else _RECOMMENDATION_STEPS


def _given(value: Raw) -> bool:
    return bytes(value) not in {b"", b"null"}


def _check_text(line: bytes) -> None:
    if line.startswith(_BYTE_ORDER_MARK):
        raise NotJson("it starts with a byte order mark, which has to go")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"byte {error.start} is not UTF-8") from error


def _sentence(told: str) -> str:
    """The words of msgspec (`Expected `int`, got `str` - at `$.pods[0].start_s``) in ours."""
    problem, _, place = told.partition(" - at `$")
    where = place.removesuffix("`").removeprefix(".") or "the line"
    missing = _MISSING.fullmatch(problem)
    if missing is not None:
        name = missing[1] if where == "the line" else f"{where}.{missing[1]}"
        return f"{name} is missing"
    return f"{where}: {problem[0].lower()}{problem[1:].replace('`', '')}"
