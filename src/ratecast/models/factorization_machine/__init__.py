"""The model `factorization_machine`: a Bayesian factorization machine, fitted by Gibbs sampling."""
