"""Matrix factorization without biases, as a net."""
