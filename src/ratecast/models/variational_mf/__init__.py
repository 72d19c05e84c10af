"""Matrix factorization by variational Bayes, whose priors and noise are learned from the table."""
