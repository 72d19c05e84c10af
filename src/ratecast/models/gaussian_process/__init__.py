"""The model `gaussian_process`: a Gaussian process over movies for each user."""
