"""`make bench-docs`: puts the figures of the last whole `make bench` into docs/speed.md, and draws docs/speed.svg."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.figures import as_text, figures_table
from bench.targets import targets_table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".handoff" / "bench.json"
DOCUMENT, PICTURE = ROOT / "docs" / "speed.md", ROOT / "docs" / "speed.svg"
BEGIN, END = "<!-- figures: written by `make bench-docs` -->\n", "<!-- end of the figures -->\n"
PANELS = [
    ("accept", "requests/s", "Accepted, requests a second\n(one API process, 32 connections)"),
    ("drain", "tasks/s", "Single tasks run, tasks a second\n(two worker processes)"),
    ("push", "sends/s", "Pushes to FCM, sends a second\n(one process, local sink)"),
]
OURS, THEIRS = "#0b7285", "#adb5bd"


def section(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine, results = found["machine"], found["results"]
    tables = [figures_table(question, figures) for question, figures in results.items()]
    said = f"{machine['date']}, commit {machine['commit']}: {machine['cores']} cores, {machine['system']}, "
    said += f"Python {machine['python']}; {sum(found['took_s'].values()):.0f} s in all."
    return "\n\n".join([said, targets_table(results), *tables]) + "\n"


def replaced(document: str, text: str) -> str:
    """The document with the text between its markers."""
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def draw(results: dict[str, Any]) -> None:
    """A bar for each subject, the longest on top."""
    mpl.rcParams.update(
        {"svg.hashsalt": "handoff", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    )
    heights = [len(results[question]) for question, _, _ in PANELS]
    figure = Figure(figsize=(7, 0.3 * sum(heights) + 0.6 * len(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, height_ratios=heights)
    for axis, (question, measure, title) in zip(axes, PANELS, strict=True):
        rows = sorted((row[measure], subject) for subject, row in results[question].items() if measure in row)
        rates, subjects = zip(*rows, strict=True)
        colours = [OURS if subject.startswith("Handoff") else THEIRS for subject in subjects]
        bars = axis.barh(subjects, rates, color=colours)
        axis.bar_label(bars, [as_text(rate) for rate in rates], padding=3)
        axis.set_title(title, loc="left")
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.set_xticks([])
        axis.margins(x=0.12)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> int:
    if not RESULTS.exists():
        sys.exit("There are no figures yet: run `make bench` first.")
    found = json.loads(RESULTS.read_text())
    if missing := {question for question, _, _ in PANELS} - found["results"].keys():
        sys.exit(f"The last run left out {', '.join(sorted(missing))}: run `make bench` without ONLY.")
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(), section(found)))
    draw(found["results"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
