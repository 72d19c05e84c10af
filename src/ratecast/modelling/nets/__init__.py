"""The nets, in torch: loaded while one is trained, and not by a model that answers and hears."""
