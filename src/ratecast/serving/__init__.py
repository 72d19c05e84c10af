"""The service: keeps the ratings that users give, and answers from a model that has heard them."""
