"""A handler error's code is a name, because it appears in Flower and in logs."""

import pytest

from handoff_worker.errors import Fail, Retry


@pytest.mark.parametrize("error", [Fail, Retry])
def test_a_code_is_a_name(error: type[Fail] | type[Retry]) -> None:
    assert error("no_such_customer").failure.code == "no_such_customer"
    for text in ("device-token@x", "", "Gone", "a" * 65, "gone\n"):
        with pytest.raises(ValueError, match="a code is a name"):
            error(text)
