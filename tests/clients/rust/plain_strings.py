"""The document for a generator that puts a parameter into quotes when its schema is a union, even one of strings only: such
a union becomes a string. Reads the JSON document that the first argument names and writes the second.
"""

import json
import sys
from pathlib import Path
from typing import Any


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, without a union whose members are all strings."""
    union = schema.get("anyOf", [])
    if not union or any(member.get("type") != "string" for member in union):
        return schema
    return {"type": "string"} | {name: value for name, value in schema.items() if name != "anyOf"}


document = json.loads(Path(sys.argv[1]).read_text())
for item in document["paths"].values():
    for operation in item.values():
        for parameter in operation.get("parameters", []):
            parameter["schema"] = plain(parameter["schema"])
Path(sys.argv[2]).write_text(json.dumps(document))
