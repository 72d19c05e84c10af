"""The command for assistants: mcp."""

from pathlib import Path

from ratecast.cli.call import note
from ratecast.cli.interrupts import ended_as_interrupted
from ratecast.errors import InputError
from ratecast.optional_packages import require


def mcp(
    *,
    url: str | None = None,
    artifact: Path | None = None,
    token_file: Path | None = None,
    write: bool = False,
    port: int | None = None,
) -> None:
    """Offer search, forecasts and lists to an assistant, by MCP.

    The client starts this command and speaks the Model Context Protocol with it over stdin and
    stdout; it ends when the client closes stdin. The tools are search, predict, recommend, explain
    and together, and with --write also rate. docs/assistants.md has the settings of a client.

    Examples:
        ratecast mcp --artifact artifacts/als
        ratecast mcp --url http://127.0.0.1:8000 --token-file token.txt --write
        ratecast mcp --artifact artifacts/als --port 8001

    Args:
        url: address of a running service.
        artifact: folder that ratecast train wrote; it is not changed.
        token_file: file with the token of the service or of a user; default: RATECAST_TOKEN, or the
            file that RATECAST_TOKEN_FILE names.
        write: offer the tool that stores ratings: in the service, or, for an artifact, in a
            temporary folder that is removed when this command ends.
        port: serve by HTTP at http://127.0.0.1:PORT/mcp instead, to clients on this machine alone.
    """
    _check(url, artifact, token_file)
    import os
    from functools import partial

    import anyio

    from ratecast.assistants.server import run
    from ratecast.importing.client import Client
    from ratecast.serving.http.auth import service_token

    if url is None:
        assert artifact is not None
        source: Client | Path = artifact
    else:
        token = service_token(None, token_file, os.environ, "mcp")
        source = Client.at(url, token, "--token-file")
    try:
        with ended_as_interrupted():
            anyio.run(partial(run, source, write=write, port=port))
    except KeyboardInterrupt:
        if port is not None:
            raise
        # All is cleaned up, but the thread that reads stdin waits for a line that may never come.
        note("ratecast: stopped")
        os._exit(130)


def _check(url: str | None, artifact: Path | None, token_file: Path | None) -> None:
    """Refuse options that cannot be together, and an installation without what is needed."""
    if (url is None) == (artifact is None):
        raise InputError("mcp: give either --url URL or --artifact DIR")
    if artifact is not None and token_file is not None:
        raise InputError("mcp: --token-file is for a service; remove it, or give --url")
    require("mcp", "mcp")
