"""The rating service: predicts with a fitted model, stores new ratings and updates the model."""
