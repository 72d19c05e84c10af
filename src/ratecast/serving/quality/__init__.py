"""How well the service forecasts: scores of every rating, comparisons of models, the shadow."""
