"""What people sign: statements, their EIP-712 digests, their files, and which of them count. Pure: `now` is passed."""
