"""The scenes of the story: each does something, honest or not, and checks on the chain and at the signers what came of it."""
