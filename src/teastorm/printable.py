"""Texts that others wrote, as a terminal or a page may be given them."""


def printable(text: str) -> str:
    """Without the characters that command a terminal: a run folder's texts are anybody's."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
