"""The process that holds one vault key and believes nobody: verification, release chain, journal, keys, listeners."""
