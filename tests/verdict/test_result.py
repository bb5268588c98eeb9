"""result.json keeps to the schema that is published, and the schema refuses what no verdict says."""

from __future__ import annotations

import jsonschema
import orjson
import pytest
from tests.verdict.world import SCHEMA

from teastorm.verdict.result import write_result


@pytest.mark.parametrize("arm", ["protected", "unprotected"])
def test_the_result_keeps_to_its_published_schema(arm, request, tmp_path):
    run_dir = tmp_path / "run"
    result = request.getfixturevalue(arm).judge(run_dir)
    path = write_result(run_dir, result)

    raw = orjson.loads(path.read_bytes())
    schema = orjson.loads(SCHEMA.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(raw, schema)
    for row in raw["checks"]:
        file = run_dir / "evidence" / f"{row['id']}.json"
        assert (row["evidence"] is not None) == file.exists()
        if file.exists():
            assert orjson.loads(file.read_bytes())["ids"]


def test_the_schema_refuses_what_no_verdict_says(protected, tmp_path):
    raw = protected.judge(tmp_path / "run").as_json()
    schema = orjson.loads(SCHEMA.read_bytes())

    for spoiled in (
        raw | {"exit_code": 2},
        raw | {"verdict": "fine"},
        {key: value for key, value in raw.items() if key != "seed"},
        raw | {"checks": [{"id": "x"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(orjson.loads(orjson.dumps(spoiled)), schema)
