"""Documents: links lead somewhere, decisions stay short, and the text keeps to plain English."""

import re
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".venv", "node_modules", ".handoff", "build"}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
MOST_WORDS, MOST_COLUMNS = 400, 100
WRAPPED = [
    ROOT / name
    for name in (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/README.md",
        "docs/api.md",
        "docs/glossary.md",
        "docs/operations.md",
        "docs/promise.md",
    )
]
FORBIDDEN = re.compile(
    r"\b(is told|are told|tells of|as it is|what is|who is|one of ours|of ours|hears|comes to|some day|nobody)\b",
    re.IGNORECASE,
)
REPLACED = re.compile(r"\b(verdicts?|lanes?|packs?|sweepers?)\b", re.IGNORECASE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """The document without its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    found: Counter[str] = Counter()
    result = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(path), re.MULTILINE):
        text = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        result.add(f"{text}-{found[text]}" if found[text] else text)
        found[text] += 1
    return result


def module_file(dotted: str) -> Path | None:
    """The file of a module such as `handoff_ledger.calls`, or None."""
    parts = dotted.split(".")
    for source in [*ROOT.glob("packages/*/src"), *ROOT.glob("services/*/src")]:
        for path in (source.joinpath(*parts).with_suffix(".py"), source.joinpath(*parts, "__init__.py")):
            if path.exists():
                return path
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    broken = []
    for link in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_decisions_are_short(decision: Path) -> None:
    assert len(decision.read_text(encoding="utf-8").split()) <= MOST_WORDS


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_decisions_have_a_number_and_a_decision(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    assert re.match(rf"# {int(decision.name[:4])}\. [A-Z`]", text)
    assert "**Decision" in text


def test_the_index_lists_every_document() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(index))}
    assert [name_of(path) for path in (ROOT / "docs").rglob("*.md") if path not in linked | {index}] == []


@pytest.mark.parametrize("document", [*WRAPPED, *DECISIONS], ids=name_of)
def test_lines_are_wrapped(document: Path) -> None:
    lines = enumerate(prose(document).splitlines(), start=1)
    free = () if document in DECISIONS else ("|", "![", "#", "- [")
    assert [number for number, line in lines if len(line) > MOST_COLUMNS and not line.startswith(free)] == []


@pytest.mark.parametrize("document", [*WRAPPED, *DECISIONS], ids=name_of)
def test_prose_avoids_the_phrases_that_stopped_readers(document: Path) -> None:
    assert FORBIDDEN.findall(re.sub(r"`[^`]*`", "", prose(document))) == []


@pytest.mark.parametrize("document", [*WRAPPED, *DECISIONS], ids=name_of)
def test_prose_uses_the_words_of_the_glossary(document: Path) -> None:
    if document.name != "glossary.md":
        assert REPLACED.findall(re.sub(r"`[^`]*`", "", prose(document))) == []


def test_every_place_in_the_glossary_exists() -> None:
    lost = []
    for dotted in re.findall(r"`(handoff_[\w.]+)`", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")):
        module, _, name = dotted.rpartition(".")
        home = module_file(module) if name and name[0].isupper() else module_file(dotted)
        if home is None or (name[:1].isupper() and f"class {name}" not in home.read_text(encoding="utf-8")):
            lost.append(dotted)
    assert not lost


def test_glossary_words_appear_once() -> None:
    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = sorted(word for row in rows if row not in ("word", "---") for word in row.split(", "))
    assert [word for word, same in groupby(words) if len(list(same)) > 1] == []


def test_the_architecture_picture_is_the_one_that_its_script_draws() -> None:
    script = "import architecture, sys; sys.stdout.write(architecture.picture())"
    drawn = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "scripts", capture_output=True, text=True, check=True, timeout=60
    )
    assert drawn.stdout == (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
