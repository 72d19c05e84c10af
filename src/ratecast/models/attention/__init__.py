"""Self-attention over a user's earlier ratings."""
