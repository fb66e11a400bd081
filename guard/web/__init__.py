"""The HTTP API: takes signed statements, shows what is known. It holds no key; what it says of the future is a prediction."""
