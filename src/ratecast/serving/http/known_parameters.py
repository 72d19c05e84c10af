"""Parameters of a query that the route does not have: refused, not dropped in silence."""

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from ratecast.serving.errors import RequestError


async def refuse_unknown(request: Request) -> None:
    """Raise `RequestError` for a parameter that is misspelt, or of another route."""
    if not request.query_params:
        return
    known = _parameters(request.scope["route"])
    for name in request.query_params:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise RequestError(f"is no parameter of this path; {has}", name)


def _parameters(route: APIRoute) -> tuple[str, ...]:
    fields = get_flat_params(route.dependant)
    return tuple(f.alias for f in fields if isinstance(f.field_info, params.Query))
