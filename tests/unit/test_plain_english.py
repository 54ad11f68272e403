"""Product code keeps out the phrases that stopped readers."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHRASES = ("is told", "tells of", "as it is", "what is", "who is", "one of ours", "hears")
FORBIDDEN = re.compile(rf"\b({'|'.join(PHRASES)})\b", re.IGNORECASE)
PRODUCT = ("packages", "services", "scripts", "tools", "deploy", "Makefile", ".env.example")


def product_files() -> list[str]:
    """The tracked text files of the product, without its tests."""
    listed = subprocess.run(["git", "ls-files", *PRODUCT], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        name for name in listed.stdout.splitlines() if "tests" not in Path(name).parts and not name.endswith(".json")
    ]


@pytest.mark.parametrize("name", product_files())
def test_product_text_avoids_the_phrases(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    hits = [f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if FORBIDDEN.search(line)]
    assert hits == []
