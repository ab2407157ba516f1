"""What the API takes and gives: one class for each shape, from which OpenAPI is made.

Amounts are decimal text, exact; ratios are fractions; times are UTC milliseconds.
"""
