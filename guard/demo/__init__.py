"""The story that `make demo` tells, and the embedded chain on which it plays. Nothing in the product depends on it."""
