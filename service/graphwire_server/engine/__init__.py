"""Loads graphs and executes runs: turns what LangGraph streams into events of the log. Knows neither storage nor wire."""
