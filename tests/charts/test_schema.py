"""Every rendering against the API's own types, offline; and what the values' schema refuses.

The types are the official client's, generated from Kubernetes' OpenAPI: a field that it does not
know, a value of another type and a required field that is missing are found. (kubeconform would fetch the same schemas from the network.)
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import yaml
from kubernetes import client
from tests.charts.conftest import CHART, PROFILES, helm

PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": (str, datetime)}
PLAIN["bytes"] = str  # base64
NOT_OURS = {"monitoring.coreos.com/v1"}
"""Kinds of operators, which the client does not have."""


def problems(value: Any, kind: str, where: str) -> list[str]:
    """What is wrong with `value` as the client's type `kind`."""
    if kind == "object":
        return []
    if match := re.fullmatch(r"[Ll]ist\[(.*)\]", kind):
        return list_problems(value, match[1], where)
    if match := re.fullmatch(r"(?:dict\(|Dict\[)str, (.*)[\])]", kind):
        return map_problems(value, match[1], where)
    if kind in PLAIN:
        right = isinstance(value, PLAIN[kind]) and (kind == "bool") == isinstance(value, bool)
        return [] if right else [f"{where}: {kind} is wanted, got {value!r}"]
    return object_problems(value, getattr(client, kind), where)


def list_problems(value: Any, kind: str, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where}: a list is wanted, got {value!r}"]
    return [p for i, v in enumerate(value) for p in problems(v, kind, f"{where}[{i}]")]


def map_problems(value: Any, kind: str, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: a map is wanted, got {value!r}"]
    return [p for k, v in value.items() for p in problems(v, kind, f"{where}.{k}")]


def object_problems(value: Any, model: Any, where: str) -> list[str]:
    """The same for an object type: its fields, then the object as a whole."""
    if not isinstance(value, dict):
        return [f"{where}: an object is wanted, got {value!r}"]
    names = {json: attribute for attribute, json in model.attribute_map.items()}
    unknown = [
        f"{where}.{key}: {model.__name__} has no such field" for key in set(value) - set(names)
    ]
    below = [
        p
        for key in set(value) & set(names)
        for p in problems(value[key], model.openapi_types[names[key]], f"{where}.{key}")
    ]
    try:
        model.model_validate(value)
    except ValueError as error:
        return [*unknown, *below, f"{where}: {error}"]
    return [*unknown, *below]


def manifest_problems(manifest: dict[str, Any]) -> list[str]:
    version = manifest["apiVersion"].rpartition("/")[2].capitalize()
    where = f"{manifest['kind']}/{manifest['metadata']['name']}"
    return problems(manifest, f"{version}{manifest['kind']}", where)


def test_every_manifest_is_one_that_the_api_server_knows(shop):
    checked = [m for m in shop.manifests if m["apiVersion"] not in NOT_OURS]
    assert len(checked) > 20
    assert [p for m in checked for p in manifest_problems(m)] == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("spec", "replicaCount"), 2, "has no such field"),
        (("spec", "replicas"), "2", "int is wanted"),
        (("spec", "selector"), None, "selector"),
        (("spec", "template", "spec", "containers"), {}, "a list is wanted"),
    ],
)
def test_the_check_can_fail(render, path, value, sentence):
    deployment = copy.deepcopy(render().one("Deployment", "tea-orders"))
    *way, last = path
    place = deployment
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    assert any(sentence in p for p in manifest_problems(deployment))


def test_names_are_unique_and_in_the_releases_namespace(shop):
    names = [(m["kind"], m["metadata"]["name"]) for m in shop.manifests]
    assert len(names) == len(set(names))
    assert {m["metadata"].get("namespace", "shop") for m in shop.manifests} == {"shop"}


@pytest.mark.parametrize("files", PROFILES.values(), ids=PROFILES)
def test_lint_has_nothing_to_say(files):
    given = [word for name in files for word in ("--values", str(CHART / name))]
    done = helm("lint", "--strict", str(CHART), *given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 chart(s) failed" in done.stdout


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"gateway": {"replica": 2}}, "replica"),
        ({"gateway": {"settings": {"qouta_rps": 1}}}, "qouta_rps"),
        ({"inference": {"settings": {"max_num_seqs": "many"}}}, "max_num_seqs"),
        ({"orders": {"settings": {"dsn": "postgresql://in/plain"}}}, "dsn"),
        ({"orders": {"settings": {"relay": {"pol_s": 1}}}}, "pol_s"),
        ({"protections": {"codell": False}}, "codell"),
        ({"protections": {"codel": "off"}}, "codel"),
        ({"timeFactor": 0}, "timeFactor"),
        ({"gateway": {"service": {"nodePort": 80}}}, "nodePort"),
        ({"inference": {"autoscaling": {"metric": "memory"}}}, "metric"),
        ({"inference": {"autoscaling": {"behavior": {"scaleUpp": {}}}}}, "scaleUpp"),
        ({"orders": {"resources": {"request": {}}}}, "request"),
        ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
        ({"faultInjection": {"enabled": "yes"}}, "enabled"),
        ({"prometheus": {"scrapeInterval": "1"}}, "scrapeInterval"),
        ({"postgresql": {"parameters": {"fsync": False}}}, "fsync"),
        ({"postgresql": {"parameters": {"-c fsync": "off"}}}, "-c fsync"),
        ({"drain": {"preStopS": 0}}, "preStopS"),
        ({"image": {"digest": "sha256:abc"}}, "digest"),
        ({"postgresql": {"image": {"digset": ""}}}, "digset"),
        ({"networkPolicy": {"gatewayFrom": [{"podSelectr": {}}]}}, "podSelectr"),
        ({"networkPolicy": {"metricsFrom": [{"podSelector": {"labels": {}}}]}}, "labels"),
        ({"networkPolicy": {"apiServerFrom": [{"ipBlock": {"cidr": "10.0.0.1"}}]}}, "cidr"),
        ({"networkPolicy": {"dnsTo": []}}, "dnsTo"),
        ({"tolerations": [{"key": "spot", "operatr": "Exists"}]}, "operatr"),
        ({"drain": None}, "drain"),
        ({"probes": {"startup": None}}, "startup"),
        ({"inference": {"autoscaling": None}}, "autoscaling"),
        ({"gateway": {"resources": {"requests": {"cpu": "100 m"}}}}, "cpu"),
        ({"orders": {"resources": {"limits": {"memory": -1}}}}, "memory"),
        ({"postgresql": {"persistence": {"size": "1 GB"}}}, "size"),
        ({"inference": {"autoscaling": {"targetInFlight": "many"}}}, "targetInFlight"),
        ({"image": {"tag": "1.0 beta"}}, "tag"),
        ({"image": {"pullSecrets": [""]}}, "pullSecrets"),
        ({"clusterDomain": "cluster.local."}, "clusterDomain"),
        ({"postgresql": {"password": "p@ss/word"}}, "password"),
        ({"gateway": {"ticketSecret": "short"}}, "ticketSecret"),
        ({"orders": {"pdb": {"maxUnavailable": "0%"}}}, "maxUnavailable"),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_name(attempt, values, named):
    done = attempt(**values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
    assert named in done.stderr


def absent(values: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    """Parts of the values that the schema would not miss, though the templates would."""
    for key, value in values.items():
        below = schema["properties"].get(key)
        if value is not None and below is not None and key not in schema.get("required", ()):
            yield f"{path}{key}"
        if isinstance(value, dict) and below is not None:
            below = definitions()[below["$ref"].rpartition("/")[2]] if "$ref" in below else below
            if "properties" in below and key not in MAY_LACK:
                yield from absent(value, below, f"{path}{key}.")


def definitions() -> dict[str, Any]:
    return json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["definitions"]


MAY_LACK = {
    "settings": "the shop has its own defaults",
    "protections": "the same",
    "resources": "null takes a default away",
    "behavior": "Kubernetes has its own",
    "startup": "the same",
    "liveness": "the same",
    "readiness": "the same",
}


def test_what_a_template_reads_cannot_be_nulled():
    """`--set drain=null` takes a default away; a template would speak of a nil pointer."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert list(absent(values, schema, "")) == []
    del schema["required"]
    assert "drain" in list(absent(values, schema, ""))  # the check can fail


OPEN = {
    "postgresql/parameters": "the server's own settings",
    "serviceMonitor/labels": "labels",
    "dashboard/labels": "labels",
    "podLabels": "labels",
    "podAnnotations": "annotations",
    "autoscaling/annotations": "annotations",
    "nodeSelector": "labels",
    "global": "what Helm hands to every chart",
    "matchLabels": "labels",
}
"""Where a user's own names belong, and why."""


def open_objects(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the schema's objects that would take a key that nobody declared."""
    if isinstance(node, list):
        for item in node:
            yield from open_objects(item, path)
    elif isinstance(node, dict):
        is_object = node.get("type") == "object" or isinstance(node.get("properties"), dict)
        if is_object and node.get("additionalProperties") is not False:
            yield "/".join(path)
        for key, value in node.items():
            step = () if key in {"properties", "definitions", "items", "allOf", "oneOf"} else (key,)
            yield from open_objects(value, (*path, *step))


def test_no_level_of_the_schema_takes_an_unknown_key():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    found = set(open_objects(schema))
    assert {path for path in found if not path.endswith(tuple(OPEN))} == set()
    assert len(found) >= len(OPEN)  # the walk sees what is open


def test_no_key_of_the_values_is_unknown_to_the_schema():
    def declared(values: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
        schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        for key, value in values.items():
            below = schema.get("properties", {}).get(key)
            if below is None and schema.get("additionalProperties") is False:
                yield f"{path}{key}"
            elif isinstance(value, dict) and below is not None:
                yield from declared(value, below, f"{path}{key}.")

    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    definitions = schema["definitions"]
    for name in ("values.yaml", "values-ci.yaml", "values-late-scaling.yaml"):
        values = yaml.safe_load((CHART / name).read_text(encoding="utf-8"))
        assert list(declared(values, schema, "")) == [], name
