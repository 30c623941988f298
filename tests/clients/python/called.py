"""Which operations of the document were called: each request is matched with the paths that the document names."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


class Called:
    """The operations of a document, and those of them that requests have been sent to."""

    def __init__(self, document: Path) -> None:
        self._routes: dict[str, tuple[str, re.Pattern[str]]] = {}
        self._operations: dict[str, dict[str, Any]] = {}
        for path, item in json.loads(document.read_text())["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(path)))
            for method, operation in item.items():
                if method in METHODS:
                    self._routes[operation["operationId"]] = (method.upper(), pattern)
                    self._operations[operation["operationId"]] = operation
        self._called: set[str] = set()

    def hooks(self) -> dict[str, object]:
        """What a client of httpx is given so that its requests are seen."""
        return {"event_hooks": {"request": [self._see]}}

    def missing(self) -> set[str]:
        """The operations that nothing was sent to."""
        return self._routes.keys() - self._called

    def call_missing(self, client: object) -> None:
        """Sends each of the missing operations what the document has as examples. The answer must fit its type."""
        for name in self.missing():
            operation = self._operations[name]
            tag = operation["tags"][0].lower().replace(" ", "_")
            required = [one for one in operation.get("parameters", []) if one.get("required")]
            examples = {one["name"]: one["example"] for one in required}
            answer = import_module(f"storegate_client.api.{tag}.{name}").sync_detailed(client=client, **examples)
            if answer.status_code != 200 or answer.parsed is None:
                raise SystemExit(f"{name} with {examples}: {answer.content.decode()}")

    def __len__(self) -> int:
        return len(self._routes)

    def _see(self, request: httpx.Request) -> None:
        for name, (method, pattern) in self._routes.items():
            if request.method == method and pattern.fullmatch(request.url.path):
                self._called.add(name)
