"""The command `guard`: it shows what is signed, computes the digest from that itself, asks, signs, and carries files.

It holds no power of its own. Modules in `commands` declare options and nothing else, so that help comes quickly; what a command does is
imported when it runs.
"""
