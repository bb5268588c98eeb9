"""Which handler serves a path."""

from __future__ import annotations

import re

from teashop.serving.asgi import Handler, Problem


class Router:
    """Paths to handlers; a pattern's `{name}` takes one segment. Frozen after start-up."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []
        self._paths: set[str] = set()

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Serve `method` on `pattern` with `handler`."""
        if "{" in pattern:
            regex = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
            self._patterns.append((method, re.compile(f"^{regex}$"), handler))
        else:
            self._exact[(method, pattern)] = handler
            self._paths.add(pattern)

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """The handler and its path parameters.

        Raises:
            Problem: 404, or 405 when the path exists with another method.
        """
        handler = self._exact.get((method, path))
        if handler is not None:
            return handler, {}
        other_method = path in self._paths
        for wanted, regex, candidate in self._patterns:
            match = regex.match(path)
            if match is None:
                continue
            if wanted == method:
                return candidate, match.groupdict()
            other_method = True
        if other_method:
            raise Problem(405, "method", f"{method} is not served on {path}.")
        raise Problem(404, "path", f"Nothing is served on {path}.")
