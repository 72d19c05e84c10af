"""A person's export brought to a model or a running service, and their forecasts brought back."""
