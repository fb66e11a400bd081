"""The append-only log as pure values: canonical entries in a hash chain. Proofs over the same entries come with the Merkle tree."""
