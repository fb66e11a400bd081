"""Processes killed with SIGKILL before and after every commit and every network edge of one release."""
