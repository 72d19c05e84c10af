"""The parts of `cold`, the model of newcomers."""
