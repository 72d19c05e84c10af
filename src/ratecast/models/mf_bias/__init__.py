"""Matrix factorization with biases: a net, or stratified SGD for large tables."""
