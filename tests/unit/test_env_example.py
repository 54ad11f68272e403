"""`.env.example` lists every setting, and a copy of it is a working `.env`."""

import re

import pytest
from pydantic import ValidationError

from compose import PASSWORDS
from handoff_api.settings import Settings as ApiSettings
from handoff_common.settings import SharedSettings
from handoff_flower.settings import Settings as FlowerSettings
from handoff_worker.settings import Settings as WorkerSettings
from stack import ROOT

EXAMPLE = ROOT / ".env.example"
SERVICES: list[type[SharedSettings]] = [ApiSettings, FlowerSettings, WorkerSettings]
OTHERS = {"HANDOFF_REDIS_PORT", *PASSWORDS.values()}  # settings of stack.py and compose.py


def names(settings: type[SharedSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {str(field.validation_alias or prefix + name).upper() for name, field in settings.model_fields.items()}


def test_every_setting_is_listed_with_a_comment() -> None:
    listed = re.findall(r"^#?([A-Z_]+)=.+$", EXAMPLE.read_text(), re.MULTILINE)
    assert set(listed) == OTHERS.union(*map(names, SERVICES))
    assert len(listed) == len(set(listed))
    assert not re.search(r"\n\n#?[A-Z_]+=", EXAMPLE.read_text()), "a setting without a line above it"


@pytest.mark.parametrize("settings", SERVICES)
def test_a_copy_works_in_development(settings: type[SharedSettings]) -> None:
    assert settings(_env_file=EXAMPLE).development


def test_its_secrets_are_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    for settings in (ApiSettings, FlowerSettings):
        with pytest.raises(ValidationError, match="placeholder"):
            settings(_env_file=EXAMPLE)
