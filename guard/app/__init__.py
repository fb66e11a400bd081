"""The composition root: the only room that knows all others, and the only one that composes the verifier."""
