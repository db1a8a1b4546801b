"""Holds HTTP requests against an OpenAPI description.

    python validate.py DESCRIPTION.json BASE_PATH

Reads one request a line from standard input, as JSON: method, path (as sent, without the query), query (pairs), headers
(names in lower case), body (text). Answers each with a line of JSON: the list of what is wrong with it, empty if nothing
is. Stricter than OpenAPI in two respects: a parameter or a field of the body that is not described is wrong, whether or
not the description says that there are no others.
"""

import json
import re
import sys
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        description = Description(json.load(file), sys.argv[2])
    for line in sys.stdin:
        print(json.dumps(description.errors(**json.loads(line))), flush=True)


class Description:
    def __init__(self, document, base):
        self.document = document
        self.base = base
        self.operations = {}
        # A literal segment wins over a parameter.
        self.paths = sorted(
            ((template.split("/"), item) for template, item in document["paths"].items()),
            key=lambda path: [segment.startswith("{") for segment in path[0]],
        )

    def errors(self, method, path, query, headers, body):
        if not path.startswith(self.base + "/"):
            return [f"the path does not begin with {self.base}"]
        found = self.find(path[len(self.base) :].split("/"), method.lower())
        if found is None:
            return [f"there is no {method} {path}"]
        item, operation, values = found
        key = (id(item), method.lower())
        if key not in self.operations:
            self.operations[key] = self.read(item, operation)
        parameters, contents, required = self.operations[key]
        given = {"path": values, "query": dict(query), "header": headers}
        errors = []
        for (place, name), (must, schema) in parameters.items():
            value = given[place].get(name.lower() if place == "header" else name)
            if value is not None:
                errors += value_errors(f"{place} parameter {name}", schema, value)
            elif must:
                errors.append(f"the {place} parameter {name} is missing")
        errors += [f"there is no query parameter {name}" for name in given["query"] if ("query", name) not in parameters]
        return errors + body_errors(contents, required, headers, body)

    def read(self, item, operation):
        """The parameters, what a body may be, and whether there must be one."""
        parameters = {}
        for parameter in item.get("parameters", []) + operation.get("parameters", []):
            parameter = self.whole(parameter)
            schema = validator(parameter["schema"])
            parameters[parameter["in"], parameter["name"]] = (parameter.get("required", False), schema)
        body = self.whole(operation.get("requestBody", {}))
        contents = {kind: validator(one["schema"]) for kind, one in body.get("content", {}).items()}
        return parameters, contents, body.get("required", False)

    def find(self, segments, method):
        for template, item in self.paths:
            if len(template) == len(segments) and method in item:
                pairs = list(zip(template, segments))
                if all(part == given or part.startswith("{") and given for part, given in pairs):
                    values = {part[1:-1]: unquote(given) for part, given in pairs if part.startswith("{")}
                    return item, item[method], values
        return None

    def whole(self, node):
        """The node with every reference in it replaced by what it refers to."""
        if isinstance(node, list):
            return [self.whole(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            return self.whole(target)
        node = {name: self.whole(one) for name, one in node.items() if name != "examples"}
        # OpenAPI 3.0's way to say it.
        if node.pop("nullable", False) is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        return node


def value_errors(what, schema, text):
    if schema.schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", text):
        text = int(text)
    return [f"{what}: {error.message}" for error in schema.iter_errors(text)]


def body_errors(contents, required, headers, body):
    if not body:
        return ["the body is missing"] if required else []
    kind = headers.get("content-type", "").split(";")[0].strip()
    if kind not in contents:
        return [f"a body of the type {kind!r} is sent, and {list(contents)} are described"]
    try:
        value = json.loads(body)
    except ValueError:
        return ["the body is not JSON"]
    schema = contents[kind]
    # Not the message alone: it may repeat a secret.
    errors = [f"body, at {error.json_path}: breaks `{error.validator}`" for error in schema.iter_errors(value)]
    return errors + [f"body: there is no field {name}" for name in unknown(schema.schema, value)]


def validator(schema):
    return Draft202012Validator(schema, format_checker=FormatChecker())


def fields(schema):
    """The fields that a schema of an object describes, by name."""
    described = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []) + schema.get("anyOf", []) + schema.get("oneOf", []):
        described.update(fields(part))
    return described


def unknown(schema, value, path=""):
    described = fields(schema)
    if not isinstance(value, dict) or not described:
        return []
    names = [f"{path}{name}" for name in value if name not in described]
    for name in value:
        if name in described:
            names += unknown(described[name], value[name], f"{path}{name}.")
    return names


if __name__ == "__main__":
    main()
