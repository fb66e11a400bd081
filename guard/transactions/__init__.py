"""A transfer and a nonce become a Safe transaction: bytes, hash, signatures, packing, and strictly back again. Pure.

Only what a signer needs is built here: one call, no delegate call, no gas refunds. Nothing here decides whether it
should be signed.
"""
