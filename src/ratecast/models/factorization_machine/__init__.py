"""The parts of the Bayesian factorization machine `factorization_machine`."""
