from tests.serving.conftest import artifact, database, place, postgresql

__all__ = ["artifact", "database", "place", "postgresql"]
