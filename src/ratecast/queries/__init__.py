"""What is asked of a fitted model: top-N lists, similar movies, the map of movies, titles."""
