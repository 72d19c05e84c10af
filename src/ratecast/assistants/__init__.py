"""What an assistant is offered by the Model Context Protocol (MCP): tools over one service."""
