"""Star probabilities: an ordered probit, and its online calibration."""
