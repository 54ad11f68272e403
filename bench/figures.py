"""What a question answers, and how it is shown and kept."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

Figures = dict[str, dict[str, float]]  # by subject ("Handoff", "arq"), then by measure ("requests/s")


def rounded(value: float) -> float:
    """Three digits, and no more than are known."""
    return float(f"{value:.3g}") if abs(value) < 100 else round(value)


def as_text(value: float | None) -> str:
    return "" if value is None else f"{rounded(value):,g}"


def alone(measure: Callable[[], Figures]) -> None:
    """A question run by itself prints one JSON object."""
    figures = measure()
    json.dump(
        {subject: {name: rounded(value) for name, value in row.items()} for subject, row in figures.items()}, sys.stdout
    )
    print()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned Markdown: the first column to the left, the others to the right."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def shown(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *rest])} |"

    return "\n".join(map(shown, [lines[0], ruler, *lines[1:]]))


def figures_table(question: str, figures: Mapping[str, Mapping[str, float]]) -> str:
    """A row a subject, a column a measure."""
    measures = list(dict.fromkeys(measure for row in figures.values() for measure in row))
    rows = [[subject, *(as_text(row.get(measure)) for measure in measures)] for subject, row in figures.items()]
    return table([question, *measures], rows)
