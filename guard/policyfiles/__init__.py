"""The policy as people write it: four strict TOML files in, a `Policy` or a refusal with file, line and suggestion out.

Only the bundle made from it is ever pinned or signed; signers never read these files.
"""
