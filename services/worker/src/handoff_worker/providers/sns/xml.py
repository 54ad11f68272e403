"""Reads the XML of SNS's query API.

Its replies are flat lists of short texts, so no XML parser ever reads untrusted input.
"""

import re
from html import unescape


def element_text(name: str, xml: str) -> str:
    """The text of the first element of that name; empty if there is none."""
    match = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    return unescape(match[1]) if match else ""


def list_members(name: str, xml: str) -> list[str]:
    """The XML of each member of the list of that name."""
    match = re.search(rf"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return re.findall(r"<member>(.*?)</member>", match[1], re.DOTALL) if match else []


def map_entries(xml: str) -> dict[str, str]:
    """The entries of a map."""
    found = re.findall(r"<entry>\s*<key>([^<]*)</key>\s*<value>([^<]*)</value>\s*</entry>", xml)
    return {unescape(key): unescape(value) for key, value in found}
