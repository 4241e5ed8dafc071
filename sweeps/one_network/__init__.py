"""One network from the command line: open, prune, judge, compare."""
