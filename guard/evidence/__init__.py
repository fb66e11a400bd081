"""The evidence of a release: the file afterwards, with which anybody checks it offline and without us. Pure.

`compose_evidence` writes it, `verify_evidence` judges it against the digest of a bundle that the reader has compared
with others. No clock, no file, no node: what cannot be known from the file is named in the report, never assumed.
"""
