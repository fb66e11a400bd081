"""P1 under attack: every named way to get a signature without the quorum, and every check that stops it, alone."""
