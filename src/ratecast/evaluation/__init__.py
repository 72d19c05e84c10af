"""Evaluation: protocols, metrics, comparisons, reports and tuning."""
