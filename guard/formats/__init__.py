"""The exact byte formats on which everything above agrees: keccak, EIP-55, strict and canonical JSON, amounts, plain texts. Pure."""
