"""The HTTP side of the service: endpoints, schemas, middleware."""
