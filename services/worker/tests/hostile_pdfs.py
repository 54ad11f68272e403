"""Documents that mean harm, or came to some: each made here, with what reading it has to come to."""

from collections.abc import Callable
from dataclasses import dataclass

from services.worker.tests import hostile_images, hostile_parts, hostile_structure


@dataclass(frozen=True)
class Hostile:
    """A document, and what may come of reading it: one thing, or for a parser's worst days one of several."""

    name: str
    make: Callable[[], bytes]
    ends: frozenset[str]


HOSTILE = [
    Hostile(name, make, frozenset({ends}) if isinstance(ends, str) else ends)
    for module in (hostile_structure, hostile_images, hostile_parts)
    for name, make, ends in module.cases()
]
