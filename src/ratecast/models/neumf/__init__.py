"""Neural matrix factorization: a product of embeddings beside a multilayer perceptron."""
