"""How much an answer matters, so that overload is paid by what matters least.

The four levels and their names are those of the SRE book ("Handling Overload", Beyer et al. 2016,
ch. 21): the route gives the level, a header may only lower it.
"""

from enum import IntEnum
from typing import Final


class Criticality(IntEnum):
    """Levels, most important first; a smaller number is shed later."""

    CRITICAL_PLUS = 0
    CRITICAL = 1
    SHEDDABLE_PLUS = 2
    SHEDDABLE = 3

    @property
    def label(self) -> str:
        """The name on the wire (`X-Criticality`) and in metrics."""
        return self.name.lower()


_BY_LABEL: Final = {level.label: level for level in Criticality}


def parse(text: str) -> Criticality:
    """Read a label such as `sheddable_plus`; case and surrounding blanks do not matter.

    Raises:
        ValueError: the text is none of the four labels.
    """
    level = _BY_LABEL.get(text.strip().lower())
    if level is None:
        known = ", ".join(_BY_LABEL)
        raise ValueError(f"criticality must be one of {known}, got {text!r}.")
    return level


def lowered(base: Criticality, asked: Criticality | str | None) -> Criticality:
    """The level of a request whose route gives `base` and whose header asks for `asked`.

    A caller may give itself less importance, never more; a header that cannot be read is ignored
    (a typo of a client must not turn its checkout into an error).
    """
    if asked is None:
        return base
    if isinstance(asked, str):
        asked = _BY_LABEL.get(asked.strip().lower(), base)
    return max(base, asked)
