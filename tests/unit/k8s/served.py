"""Everything that the API and Flower serve, from their own tables."""

import re
from typing import Any

from flower.urls import handlers

from handoff_api.app import build_app
from handoff_api.settings import Settings


def api_paths() -> set[str]:
    """The paths of the API, those for development included, with their parameters in braces."""
    routes: list[Any] = build_app(Settings(env="development", api_auth=False))[0].routes
    included = [
        inner for route in routes if hasattr(route, "original_router") for inner in route.original_router.routes
    ]
    return {route.path for route in [*routes, *included] if hasattr(route, "path")}


def flower_pages() -> set[str]:
    """The paths of Flower, with an example in place of a parameter."""
    table: list[Any] = handlers
    patterns = [each[0] if isinstance(each, tuple) else each.regex.pattern for each in table]
    return {re.sub(r"\(\.[*+]\)", "example", each).removesuffix("$").removesuffix("/?") for each in patterns} - {".*"}
