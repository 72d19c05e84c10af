"""The parts of the item Gaussian process `gp`."""
