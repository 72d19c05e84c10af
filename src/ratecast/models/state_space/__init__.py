"""The parts of the flagship: what is known of users and movies, learning, and following a user."""
