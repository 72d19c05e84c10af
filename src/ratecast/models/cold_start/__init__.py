"""The parts of `cold_start`, the model of newcomers."""
