"""Queries of a fitted model: top-N lists, similar movies, a map of movies, ids by title."""
