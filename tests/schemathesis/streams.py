"""What a stream of events must be: Schemathesis takes the schema of the whole stream for that of one event, so this stands in
for its check of the schema.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

# What the document says of each event's data; `stale` and `end` are a field each.
SCHEMAS = {"flow": "StoreFlow", "problem": "Problem"}
FIELDS = {"stale": {"age_seconds"}, "end": {"reason"}}


def _events(text: str) -> Iterator[dict[str, str]]:
    """The events with a name; what else there is are comments and how long to wait."""
    for block in text.split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines() if not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        if "event" in fields:
            yield fields


def check_events(text: str, components: dict[str, Any]) -> None:
    """Each event is one of those that the document names, with the data that it names."""
    for event in _events(text):
        name, data = event["event"], json.loads(event["data"])
        if name in SCHEMAS:
            schema = {"$ref": f"#/components/schemas/{SCHEMAS[name]}", "components": components}
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            errors = [error.message for error in validator.iter_errors(data)]
            assert not errors, f"{name}: {'; '.join(errors)}"
            assert name != "flow" or event["id"], "a flow without an id"
        else:
            assert set(data) == FIELDS[name], f"{name} has {', '.join(data)}"
