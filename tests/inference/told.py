"""What an answer of the mock LLM server tells."""

import json

from teashop.serving.testing import Called


def content(called: Called) -> object:
    """The order in an answer that is not streamed."""
    body = called.json()
    assert isinstance(body, dict)
    told: object = json.loads(body["choices"][0]["message"]["content"])
    return told


def reason(called: Called) -> object:
    body = called.json()
    assert isinstance(body, dict)
    return body["reason"]


def events(called: Called) -> list[dict[str, object]]:
    """The JSON events of a stream, which must end in [DONE]."""
    lines = [line.removeprefix("data: ") for line in called.body.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]
