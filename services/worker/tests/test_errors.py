"""A verdict's code is a name: it shows in Flower and in logs."""

import pytest

from handoff_worker.errors import Fail, Retry


@pytest.mark.parametrize("verdict", [Fail, Retry])
def test_a_code_is_a_name(verdict: type[Fail] | type[Retry]) -> None:
    assert verdict("no_such_customer").fault.code == "no_such_customer"
    for text in ("device-token@x", "", "Gone", "a" * 65, "gone\n"):
        with pytest.raises(ValueError, match="a code is a name"):
            verdict(text)
