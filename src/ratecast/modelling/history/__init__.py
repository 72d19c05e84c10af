"""Every rating that a model was given, grouped by user."""
