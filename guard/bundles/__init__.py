"""The policy as bytes: canonical JSON, its digests, and what makes a policy unusable whoever wrote it.

Pure: no clock, no files, no TOML. Imports `core`, `formats` and `errors` alone. A signer reads bundles and nothing
else.
"""
