"""A weighted mean of models whose errors differ, with learned shares."""
