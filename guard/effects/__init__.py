"""From transaction bytes to effects, and from a transfer to the text that people read. Pure: no clock, no I/O.

So far two shapes are known, a payment in the chain's own coin and an ERC-20 `transfer`, and the cancel that moves
nothing. Whatever is not exactly one of these is refused; nothing here guesses.
"""
