"""The model `cold_start`: forecasts for new users, from demographics and the movies' raters."""
