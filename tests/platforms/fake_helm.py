"""Stands on PATH as `helm` and tells the fake cluster what it was asked to do.

It is started several times a test, so it imports little.
"""

import itertools
import json
import os
import socket
import sys


def merged(below: dict, above: dict) -> dict:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both else value
    return result


def asked(address: str, content: object) -> dict:
    """What the fake cluster answers."""
    host, _, port = address.rpartition(":")
    payload = json.dumps(content).encode()
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST /_helm HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload)
        said = b"".join(iter(lambda: line.recv(65_536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        sys.exit(f"Error: {body.decode(errors='replace')}")
    answer: dict = json.loads(body)
    return answer


def main() -> None:
    address, *words = sys.argv[1:]
    values: dict = {}
    for word, path in itertools.pairwise(words):
        if word == "--values":
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
                values = merged(values, json.load(file))
    if os.environ.get("FAKE_HELM_FAILS"):
        sys.exit("Error: " + os.environ["FAKE_HELM_FAILS"])
    sys.stdout.write(json.dumps(asked(address, {"words": words, "values": values})["out"]))


main()
