"""Which operations of the document were called: each request is matched with the paths that the document names."""

import json
import re
from pathlib import Path

import httpx

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


class Called:
    """The operations of a document, and those of them that requests have been sent to."""

    def __init__(self, document: Path) -> None:
        self._routes: dict[str, tuple[str, re.Pattern[str]]] = {}
        for path, item in json.loads(document.read_text())["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(path)))
            for method, operation in item.items():
                if method in METHODS:
                    self._routes[operation["operationId"]] = (method.upper(), pattern)
        self._called: set[str] = set()

    def hooks(self) -> dict[str, object]:
        """What a client of httpx is given so that its requests are seen."""
        return {"event_hooks": {"request": [self._see]}}

    def missing(self) -> set[str]:
        """The operations that nothing was sent to."""
        return self._routes.keys() - self._called

    def __len__(self) -> int:
        return len(self._routes)

    def _see(self, request: httpx.Request) -> None:
        for name, (method, pattern) in self._routes.items():
            if request.method == method and pattern.fullmatch(request.url.path):
                self._called.add(name)
