"""The nets, in torch: imported to train one, not by a fitted model that predicts and updates."""
