"""HTTP to signers (and later to the API). A client believes an answer only where it can verify it."""
