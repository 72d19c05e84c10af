"""Data: editions of MovieLens, downloads, layouts."""
