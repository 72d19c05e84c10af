"""The parts of the item Gaussian process `gaussian_process`."""
