"""Arguments of code that each component of `python-job` refuses.

`alchemesh validate` without an environment accepts arguments that one of the components accepts.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.sdk.spec import ComponentSpec

JOBS = [spec for spec in discover().loaded()[0] if spec.component_type == "python-job"]


@pytest.mark.parametrize("spec", JOBS, ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("schedule", "61 * * * *", "minute '61' is wrong: the last value (61) is higher than the maximum value (59)"),
        ("schedule", "0 0 31 2 *", "'0 0 31 2 *' is never due: no month has such a day"),
        ("schedule", "0 0 * *", "String should match pattern"),
        ("time_zone", "Europe/Amsterdm", "expected a time zone, such as UTC or Europe/Amsterdam"),
        ("timeout", "0s", "expected "),
        ("retries", -1, "Input should be greater than or equal to 0"),
    ],
)
def test_each_engine_refuses_a_wrong_argument(spec: ComponentSpec, argument: str, value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        spec.args_model().model_validate({"entrypoint": "job.py", argument: value})
    [error] = refused.value.errors()
    assert error["loc"][0] == argument
    assert message in error["msg"]
