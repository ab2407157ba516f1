"""Quality of data: rules, each with a severity, found per symbol and month.

Read first: `check.check_table`.
"""
