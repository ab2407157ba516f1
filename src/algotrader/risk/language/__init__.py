"""The language of `risk.rules`: one condition over an account and its prices, typed, without calls
but those listed.

Text becomes tokens (`tokens.py`), tokens a typed tree (`parser.py`), and the tree a truth
(`tree.py`): true, false, or None where a number it needs is not known. What can be named is the
table in `vocabulary.py`. Nothing here executes text, and the length, the number of tokens and the
depth of what is read are bounded. Read `parser.parse_condition` first.
"""
