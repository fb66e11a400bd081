"""Carries transfers along between signers and chain. It decides nothing and holds no key but the gas-only executor's.

A hostile worker must get nothing out of the signers, so nothing here is a check that anybody relies on; what is here makes an honest
worker finish in spite of crashes, silent signers and split nonces.
"""
