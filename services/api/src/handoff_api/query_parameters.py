"""Query parameters: each at most once, in UTF-8, and only those that the route has."""

from collections import Counter
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params

from handoff_api.problems import INVALID_REQUEST, FieldError, Problem, fault_path
from handoff_api.request_state import ApiRequest

MOST = 50  # parameters that a request may have


def parameters(query: bytes) -> dict[str, str]:
    """The parameters of a query. Raises a `Problem` when it is not UTF-8, or has a parameter twice."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:
        sentence = f"A query has at most {MOST} parameters, percent-encoded as UTF-8"
        raise Problem(INVALID_REQUEST, faults=[FieldError("query", sentence)]) from None
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = [name for name, count in counts.items() if count > 1]
        raise _refusal(twice, "Give this parameter once")
    return found


async def check(request: ApiRequest) -> None:
    """Refuses a parameter that is given twice, and one that the route does not have."""
    query, route = request.scope["query_string"], request.scope["route"]
    if query and route.include_in_schema:
        known = {field.alias for field in get_flat_params(route.dependant)} - route.param_convertors.keys()
        unknown = [name for name in parameters(query) if name not in known]
        if unknown:
            raise _refusal(unknown, "This call has no such parameter")


def _refusal(names: list[str], sentence: str) -> Problem:
    return Problem(INVALID_REQUEST, faults=[FieldError(fault_path(("query", name)), sentence) for name in names])
