"""Side information as columns or labels: ages, genres, years."""
