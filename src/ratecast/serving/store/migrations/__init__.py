"""Migrations of the store's tables, run by Alembic when the service starts."""
