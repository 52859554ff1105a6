"""Repairs of a page's picture, made only where its own measurements promise a better reading.

What was tried, what helped and what was left out stands in ``docs/explanation/enhancement.md``,
with the figures behind the numbers in here.
"""
