"""The contract: all that a new model imports."""
