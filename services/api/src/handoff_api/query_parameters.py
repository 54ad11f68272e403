"""Query parameters: UTF-8, each at most once, and only those that the route defines."""

from collections import Counter
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params

from handoff_api.problems import INVALID_REQUEST, FieldError, Problem, field_path
from handoff_api.request_state import ApiRequest

MAX_PARAMETERS = 50


def parse_query(query: bytes) -> dict[str, str]:
    """Return the parameters of a query. Raises a `Problem` when it is not UTF-8, or repeats a parameter."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        sentence = f"A query has at most {MAX_PARAMETERS} parameters, percent-encoded as UTF-8"
        raise Problem(INVALID_REQUEST, errors=[FieldError("query", sentence)]) from None
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = [name for name, count in counts.items() if count > 1]
        raise _refusal(repeated, "Give this parameter once")
    return found


async def check_query_parameters(request: ApiRequest) -> None:
    """Raise a `Problem` for a repeated parameter, and for a parameter that the route does not define."""
    query, route = request.scope["query_string"], request.scope["route"]
    if query and route.include_in_schema:
        known = {field.alias for field in get_flat_params(route.dependant)} - route.param_convertors.keys()
        unknown = [name for name in parse_query(query) if name not in known]
        if unknown:
            raise _refusal(unknown, "This call has no such parameter")


def _refusal(names: list[str], sentence: str) -> Problem:
    return Problem(INVALID_REQUEST, errors=[FieldError(field_path(("query", name)), sentence) for name in names])
