"""Values and the decision over them. Standard library only: no clock, no network, no database, no logging."""
