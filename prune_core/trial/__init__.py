"""One trial on one device, as verbs: baseline, prune, verify, fine-tune, judge."""
