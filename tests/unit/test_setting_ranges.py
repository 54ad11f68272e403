"""Every setting has a range: an extreme value is refused with a sentence, or taken for what it says."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from handoff_api.settings import Settings as ApiSettings
from handoff_common.settings import SharedSettings, load
from handoff_flower.settings import Settings as FlowerSettings
from handoff_ledger import Limits
from handoff_worker.settings import Settings as WorkerSettings

# Surrogates stand for the bytes of an environment that is not UTF-8.
EXTREMES = [
    *("nan", "inf", "-inf", "Infinity", "-1", "-0", "0", "0.0", "5e-324", "1e308", "1e400", "1_0", " 1 ", "+1", "0x1"),
    *(
        "9" * 20,
        "9" * 400,
        "9" * 5000,
        "\u0661",
        "true",
        "null",
        "[]",
        "{}",
        "a",
        "a" * 100_000,
        "\udcff",
        "é",
        "\u2028",
    ),
    *(
        "fcm=nan",
        "fcm=1e400",
        "fcm=\u0661",
        "fcm=" + "9" * 400,
        "fcm=0.0",
        "999.999.999.999/99",
        "10.0.0.0/" + "9" * 400,
    ),
    *(
        "redis://h:99999",
        "redis://h:-1",
        "redis://h/-1",
        "redis://h/\u0661",
        f"redis://h/{'9' * 5000}",
        "redis://[::1",
        "://",
    ),
    *("redis://\udcff", "https://h:" + "9" * 400, "http://\udcff/", "a=" + "0" * 64, "a=" + "\u0661" * 64),
]
FIELDS = [(service, name) for service in (ApiSettings, WorkerSettings, FlowerSettings) for name in service.model_fields]


@pytest.fixture(autouse=True)
def _working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "development")


def numbers(settings: SharedSettings) -> Iterator[float]:
    yield from (value for value in settings.model_dump().values() if isinstance(value, float | int))


@pytest.mark.parametrize(("service", "field"), FIELDS, ids=lambda part: getattr(part, "__module__", part))
def test_an_extreme_value_is_refused_with_a_sentence_or_taken(
    service: type[SharedSettings], field: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = str(service.model_fields[field].validation_alias or f"HANDOFF_{field.upper()}")
    for value in EXTREMES:
        monkeypatch.setenv(variable, value)
        try:
            settings: Any = load(service)
        except SystemExit:
            said = capsys.readouterr().err
            assert said.startswith("handoff: "), (variable, value[:20])
            assert len(said) < 500, (variable, value[:20])
            continue
        assert all(0 <= number <= 2**53 and math.isfinite(number) for number in numbers(settings)), (variable, value)
        assert Limits.of(settings).retention_ms >= 1000
        if service is ApiSettings:
            settings.keys()


@pytest.mark.parametrize("value", ["0", "0.009", "365.1", "nan", "inf", "5e-324", "-0"])
def test_records_are_kept_for_a_while(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_RETENTION_DAYS", value)
    with pytest.raises(SystemExit):
        load(SharedSettings)
