"""The MCP server: which tools it offers, what they say of an error, and how it is reached."""

import socket
from contextlib import AsyncExitStack
from importlib.metadata import version
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ValidationError
from typing_extensions import override

from ratecast.assistants.client import AsyncClient, of_artifact, of_service
from ratecast.assistants.tools import Tools
from ratecast.errors import InputError
from ratecast.importing.client import Client, RefusedError
from ratecast.serving.http.field_faults import fault, joined
from ratecast.systems import bound_socket

HOST, PATH = "127.0.0.1", "/mcp"
ABOUT = (
    "Forecasts how many stars users will give movies. Find the ids of movies by search. A user is "
    "named by an id; ask for it. Stars are on the scale that every forecast names."
)


class AssistantServer(MCPServer[Any]):
    """A server whose tools say in one line what is wrong, where, and what to do."""

    @override
    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """The result of a tool. Raises `ToolError`, whose line the client gets."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError):
                raise ToolError(f"{name}: {_faults(cause)}") from cause
            if isinstance(cause, InputError):
                raise ToolError(f"{name}: {_advised(cause)}") from cause
            if isinstance(error, UnexpectedToolError):
                line = f"{name}: failed; what ratecast mcp wrote to stderr says why"
                raise UnexpectedToolError(line) from cause
            raise


def make_server(client: AsyncClient, *, write: bool = False) -> AssistantServer:
    """A server of the tools over a service. write: with the tool that stores ratings."""
    server = AssistantServer(
        "ratecast",
        title="ratecast",
        instructions=ABOUT,
        version=version("ratecast"),
        log_level="WARNING",
    )
    tools = Tools(client)
    asking = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (tools.search, tools.predict, tools.recommend, tools.explain, tools.together):
        server.add_tool(tool, description=getdoc(tool), annotations=asking)
    if write:
        storing = ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        )
        server.add_tool(tools.rate, description=getdoc(tools.rate), annotations=storing)
    return server


async def run(source: Client | Path, *, write: bool = False, port: int | None = None) -> None:
    """Serve until the client closes stdin, or, with a port, until a signal to stop.

    source: a running service, or the folder of an artifact. port: of HTTP on this machine; without
    one the protocol has stdin and stdout. Raises `InputError` before anything is served.
    """
    async with AsyncExitStack() as stack:
        bound = None if port is None else stack.enter_context(bound_socket(HOST, port, "mcp"))
        if isinstance(source, Client):
            client = await stack.enter_async_context(of_service(source))
        else:
            home = Path(stack.enter_context(TemporaryDirectory(prefix="ratecast-")))
            client = await stack.enter_async_context(of_artifact(source, home))
        server = make_server(client, write=write)
        if bound is None:
            await server.run_stdio_async()
        else:
            # stdout is free here, as the protocol does not have it.
            print(f"ratecast: http://{HOST}:{bound.getsockname()[1]}{PATH}", flush=True)
            await _serve_http(server, bound)


async def _serve_http(server: AssistantServer, bound: socket.socket) -> None:
    import uvicorn

    # With the host the SDK refuses requests of pages that only pretend to be of this machine.
    app = server.streamable_http_app(streamable_http_path=PATH, host=HOST)
    await uvicorn.Server(uvicorn.Config(app, log_config=None)).serve(sockets=[bound])


def _faults(error: ValidationError) -> str:
    """What is wrong with the arguments of a tool."""
    return joined(
        list(
            dict.fromkeys(
                f"{'.'.join(map(str, item['loc'][:1]))}: {fault(item)}" for item in error.errors()
            )
        )
    )


def _advised(error: InputError) -> str:
    """The line of a refusal; that of an unknown movie with where ids are found."""
    if isinstance(error, RefusedError) and error.status == 404 and "movie" in error.fields:
        return f"{error}; find its id by search"
    return str(error)
