"""What is released: wheel and sdist, pins with hashes, versions, and the environments they make."""
