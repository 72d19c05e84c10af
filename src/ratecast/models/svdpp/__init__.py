"""SVD++: factors of a user from which movies the user rated."""
