"""Draws docs/architecture.svg: `python scripts/architecture.py`."""

from html import escape
from pathlib import Path
from typing import NamedTuple

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "architecture.svg"
WIDTH, HEIGHT = 1000, 400
STYLE = """
    text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #212529; text-anchor: middle; }
    .name { font-size: 17px; font-weight: 600; }
    .part { font-size: 13px; fill: #495057; }
    .label { font-size: 13px; fill: #0b5563; }
    .outside { fill: #f8f9fa; stroke: #868e96; }
    .service { fill: #e3fafc; stroke: #0b7285; }
    .redis { fill: #fff4e6; stroke: #d9480f; }
    .line { stroke: #495057; stroke-width: 1.6; fill: none; marker-end: url(#head); }
"""


class Box(NamedTuple):
    """One process or group of people. `lines` are printed below the name."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    name: str
    lines: tuple[str, ...]


class Arrow(NamedTuple):
    """One flow, from a point to a point. `label_x` and `label_y` are the middle of its text's baseline."""

    start: tuple[int, int]
    end: tuple[int, int]
    label: str
    label_x: int
    label_y: int


BOXES = (
    Box("outside", 20, 50, 120, 110, "Clients", ("your services",)),
    Box("service", 290, 50, 150, 110, "API", ("FastAPI", "checks and accepts")),
    Box(
        "redis",
        590,
        50,
        160,
        300,
        "Redis",
        (
            "the ledger:",
            "payload, state,",
            "lease, outcome",
            "",
            "the queues:",
            "ids, no payloads",
            "",
            "append-only file",
        ),
    ),
    Box("service", 290, 240, 150, 110, "Flower", ("shows workers and", "tasks, no payloads")),
    Box("outside", 20, 240, 120, 110, "Operators", ("watch, cancel,", "redrive")),
    Box("service", 860, 50, 120, 110, "Workers", ("Celery", "run handlers")),
    Box("outside", 860, 240, 120, 110, "Providers", ("push, mail,", "HTTP services")),
)
ARROWS = (
    Arrow((140, 85), (288, 85), "1. POST a task", 214, 76),
    Arrow((290, 128), (142, 128), "202 in milliseconds", 215, 147),
    Arrow((440, 105), (588, 105), "2. one atomic script", 514, 96),
    Arrow((750, 80), (858, 80), "3. an id", 804, 71),
    Arrow((860, 128), (752, 128), "4. claim, finish", 806, 147),
    Arrow((920, 160), (920, 238), "5. send", 890, 204),
    Arrow((140, 295), (288, 295), "dashboard", 214, 286),
    Arrow((590, 295), (442, 295), "events", 515, 286),
    Arrow((140, 250), (300, 162), "API calls", 185, 205),
)


def draw_box(box: Box) -> str:
    """Returns the rectangle, the name and the lines below it."""
    middle = box.x + box.width // 2
    first = box.y + (box.height - 20 * len(box.lines)) // 2 + 4
    texts = [f'<text class="name" x="{middle}" y="{first}">{escape(box.name)}</text>']
    texts += [
        f'<text class="part" x="{middle}" y="{first + 22 + 20 * index}">{escape(line)}</text>'
        for index, line in enumerate(box.lines)
        if line
    ]
    frame = f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
    return "\n  ".join([frame, *texts])


def draw_arrow(arrow: Arrow) -> str:
    """Returns the line and its label."""
    (x1, y1), (x2, y2) = arrow.start, arrow.end
    line = f'<path class="line" d="M{x1} {y1} L{x2} {y2}"/>'
    return f'{line}\n  <text class="label" x="{arrow.label_x}" y="{arrow.label_y}">{escape(arrow.label)}</text>'


def picture() -> str:
    """Returns the SVG document."""
    title = "Clients post to the API, the API writes to Redis, Celery workers run the tasks, Flower shows them"
    drawn = "\n  ".join([*map(draw_arrow, ARROWS), *map(draw_box, BOXES)])
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">
  <title>{title}</title>
  <style>{STYLE}  </style>
  <defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 L10 5 L0 10 z" fill="#495057"/></marker></defs>
  <rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>
  {drawn}
</svg>
"""


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
