"""`.env`: creates it from `.env.example`, replaces its placeholders, and reads it."""

import os
import re
from pathlib import Path

from dotenv import dotenv_values

from credentials import new_secret
from handoff_common.settings import PLACEHOLDER

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / ".env.example"


def complete(file: Path) -> None:
    """Create `.env` from `.env.example` if it is missing, and replace every placeholder in it with a new secret."""
    created = not file.exists()
    text = (EXAMPLE if created else file).read_text()
    filled = re.sub(rf"^([A-Z_]+=.*?){PLACEHOLDER}[a-z-]*$", lambda found: found[1] + new_secret(), text, flags=re.M)
    if created:
        file.touch(mode=0o600)
    if created or filled != text:
        file.write_text(filled)
        print("Created .env with new secrets." if created else "Replaced the placeholders in .env with new secrets.")


def read(file: Path) -> dict[str, str]:
    """Return the settings of `.env` and of the environment, which wins. An empty value counts as unset."""
    from_file = {name: value for name, value in dotenv_values(file).items() if value}
    from_shell = {name: value for name, value in os.environ.items() if value}
    return {**from_file, **from_shell}
