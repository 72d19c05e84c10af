"""The web page: rate movies and see the forecasts. On the port of the API; needs no network."""
