"""ratecast forecasts how many stars a user will give a movie, from the ratings known before."""

from importlib.metadata import version

__version__ = version("ratecast")
