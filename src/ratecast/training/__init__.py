"""Training of nets with Lightning."""
