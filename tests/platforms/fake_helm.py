"""Stands on PATH as `helm` and tells the fake cluster what it was asked to do."""

import itertools
import json
import os
import sys
import urllib.request
from pathlib import Path


def merged(below: dict, above: dict) -> dict:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both else value
    return result


words = sys.argv[1:]
values: dict = {}
for word, path in itertools.pairwise(words):
    if word == "--values":
        values = merged(values, json.loads(Path(path).read_text()))
if os.environ.get("FAKE_HELM_FAILS"):
    sys.exit("Error: " + os.environ["FAKE_HELM_FAILS"])
request = urllib.request.Request(
    f"http://{os.environ['FAKE_CLUSTER']}/_helm",
    data=json.dumps({"words": words, "values": values}).encode(),
    method="POST",
)
with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the fake's own address
    sys.stdout.write(json.dumps(json.load(answer)["out"]))
