"""What all paths under /v1 have in common."""

from typing import Any

from fastapi import APIRouter, Depends

from ratecast.serving.http.known_parameters import refuse_unknown
from ratecast.serving.http.problem_details import MEDIA_TYPE


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _problem("The request is not valid HTTP"),
    401: _problem("A token is required"),
    403: _problem("This token does not allow it"),
    404: _problem("Unknown user, movie or genre"),
    405: _problem("The method is not allowed"),
    409: _problem("The served model does not support this"),
    413: _problem("The body is too large"),
    422: _problem("A field is not valid; `errors` names it"),
    429: _problem("Too many requests; see Retry-After"),
    503: _problem("Not available now; see Retry-After"),
}


def v1_router() -> APIRouter:
    """A router of paths under /v1, with the problems that each may answer with."""
    return APIRouter(prefix="/v1", responses=PROBLEMS, dependencies=[Depends(refuse_unknown)])
