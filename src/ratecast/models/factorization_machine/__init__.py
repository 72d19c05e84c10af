"""The parts of the Bayesian factorization machine `bfm`."""
