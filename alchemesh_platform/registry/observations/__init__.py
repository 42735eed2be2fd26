"""Observations: the time series of measures, and its summaries."""
