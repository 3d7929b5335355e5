"""arkserver: an interactive array server for exploratory data analysis."""

__version__ = "0.1.0"
